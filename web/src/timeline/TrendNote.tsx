import type { Granularity } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { isLevel, type CountMetric, type Metric } from "./metric";
import type { TimelineContext } from "./useComparison";
import type { Expectation } from "./useForecast";

const CHANGE = {
  participants: "participantsChange",
  views: "viewsChange",
  engagement: "engagementChange",
  conversions: "conversionsChange",
} as const satisfies Record<CountMetric, keyof NonNullable<TimelineContext["comparison"]>>;

/** Where it is going, when it was best, how it stands against the compared period and what is to come, in words. */
export function TrendNote({
  context,
  forecast,
  metric,
  granularity,
  timeZone,
}: {
  context: TimelineContext;
  /** Empty where there is too little history for one, null where none is wanted. */
  forecast: readonly Expectation[] | null;
  metric: Metric;
  granularity: Granularity;
  timeZone: string;
}) {
  const { t, f } = useLocale();
  const { trend, comparison } = context;
  const farthest = forecast?.at(-1);
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
      {forecast === null || !isLevel(metric) ? null : farthest === undefined ? (
        <li>{t.timeline.noForecast}</li>
      ) : (
        <li className="number">
          {t.timeline.forecastFor(f.bucket(farthest.at, granularity, timeZone))} <b>{f.count(Math.round(farthest.expected))}</b>{" "}
          {t.timeline.forecastRange(f.count(Math.round(farthest.low)), f.count(Math.round(farthest.high)))}
        </li>
      )}
    </ul>
  );
}
