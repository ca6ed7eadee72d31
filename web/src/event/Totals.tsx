import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Figures } from "../ui/Figures";
import { LiveNumber } from "../ui/LiveNumber";

/** The event in four numbers. */
export function Totals({ event }: { event: EventPageFragment }) {
  const { t, f } = useLocale();
  return (
    <Figures
      figures={[
        { label: t.event.participants, value: <LiveNumber value={event.totalParticipants} format={f.count} /> },
        { label: t.event.views, value: <LiveNumber value={event.totalViews} format={f.count} /> },
        { label: t.event.roi, value: f.percent(event.roi.roi) },
        { label: t.event.growth, value: f.change(event.salesGrowthRate) },
      ]}
    />
  );
}
