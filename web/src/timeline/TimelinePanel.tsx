import { useLocale } from "../i18n/locale";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { useIsDark } from "../ui/theme";
import { useNow } from "../ui/useNow";
import { METRICS } from "./metric";
import { fittingGranularity, RANGES, rangeReaching, type Range } from "./range";
import type { Series } from "./series";
import "./timeline.css";
import { TimelineChart } from "./TimelineChart";
import { TimelineControls } from "./TimelineControls";
import { TimelineTable } from "./TimelineTable";
import { useTimeline } from "./useTimeline";
import { useTimelineParams } from "./useTimelineParams";

const TICK_MS = 1_000;

interface Props {
  eventId: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  isActive: boolean;
}

/** How an event goes, over time, as it happens. */
export function TimelinePanel({ eventId, createdAt, isActive }: Props) {
  const { t } = useLocale();
  const now = useNow(TICK_MS);
  const isDark = useIsDark();
  // An event that is over is looked at as a whole, one that runs as it runs.
  const initial: Range = isActive ? "PT1H" : rangeReaching(createdAt, now);
  const [params, change] = useTimelineParams(initial);
  const { series, error } = useTimeline(eventId, params, now);
  const longer = RANGES[RANGES.indexOf(params.range) + 1];

  return (
    <section className="card" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">{t.timeline.title}</h2>
        <TimelineControls params={params} onChange={change} />
      </header>
      {error !== null ? (
        <ErrorNotice error={error} />
      ) : series === null ? (
        <Skeleton height="350px" />
      ) : (
        <>
          {isEmpty(series) ? (
            <Notice role="status" title={t.timeline.emptyTitle} hint={t.timeline.emptyHint}>
              {longer === undefined ? null : (
                <button type="button" className="button" onClick={() => change({ range: longer, granularity: fittingGranularity(longer, null) })}>
                  {t.timeline.longer}
                </button>
              )}
            </Notice>
          ) : (
            <TimelineChart
              key={String(isDark)}
              buckets={series.buckets}
              metric={params.metric}
              granularity={params.granularity}
              timeZone={params.timeZone}
              now={now}
            />
          )}
          <TimelineTable buckets={series.buckets} granularity={params.granularity} timeZone={params.timeZone} />
        </>
      )}
    </section>
  );
}

function isEmpty(series: Series): boolean {
  return series.buckets.every((bucket) => METRICS.every((metric) => metric === "cumulative" || bucket[metric] === 0));
}
