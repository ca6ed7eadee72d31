import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { LiveNumber } from "../ui/LiveNumber";

/** The event in four numbers. */
export function Totals({ event }: { event: EventPageFragment }) {
  const { t, f } = useLocale();
  return (
    <dl className="totals card">
      <div className="total lead">
        <dt>{t.event.participants}</dt>
        <dd>
          <LiveNumber value={event.totalParticipants} format={f.count} />
        </dd>
      </div>
      <div className="total">
        <dt>{t.event.views}</dt>
        <dd>
          <LiveNumber value={event.totalViews} format={f.count} />
        </dd>
      </div>
      <div className="total">
        <dt>{t.event.roi}</dt>
        <dd className="number">{f.percent(event.roi.roi)}</dd>
      </div>
      <div className="total">
        <dt>{t.event.growth}</dt>
        <dd className="number">{f.change(event.salesGrowthRate)}</dd>
      </div>
    </dl>
  );
}
