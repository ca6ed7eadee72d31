import type { Granularity } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { isLevel, type CountMetric, type Metric } from "./metric";
import type { TimelineContext } from "./useComparison";

const CHANGE = {
  participants: "participantsChange",
  views: "viewsChange",
  engagement: "engagementChange",
  conversions: "conversionsChange",
} as const satisfies Record<CountMetric, keyof NonNullable<TimelineContext["comparison"]>>;

/** Where it is going, when it was best, and how it stands against the compared period, in a line of words. */
export function TrendNote({
  context,
  metric,
  granularity,
  timeZone,
}: {
  context: TimelineContext;
  metric: Metric;
  granularity: Granularity;
  timeZone: string;
}) {
  const { t, f } = useLocale();
  const { trend, comparison } = context;
  return (
    <ul className="trend">
      <li data-direction={trend.direction}>
        {t.timeline.trend[trend.direction]}
        {trend.growthRate === null ? null : <b className="number"> {f.change(trend.growthRate)}</b>}
      </li>
      {trend.peak === null ? null : (
        <li className="number">
          {t.timeline.peak(f.bucket(Date.parse(trend.peak.start), granularity, timeZone), f.count(trend.peak.participants))}
        </li>
      )}
      {comparison === null || isLevel(metric) ? null : (
        <li>
          {t.timeline.against} <b className="number">{f.change(comparison[CHANGE[metric]])}</b>
        </li>
      )}
    </ul>
  );
}
