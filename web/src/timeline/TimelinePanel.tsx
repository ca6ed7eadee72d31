import { useLocale } from "../i18n/locale";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { useIsDark } from "../ui/theme";
import { useNow } from "../ui/useNow";
import { isLevel, METRICS } from "./metric";
import { fittingGranularity, RANGES, rangeReaching, type Range } from "./range";
import type { Series } from "./series";
import "./timeline.css";
import { TimelineChart } from "./TimelineChart";
import { TimelineControls } from "./TimelineControls";
import { TimelineTable } from "./TimelineTable";
import { TrendNote } from "./TrendNote";
import { useComparison, type TimelineContext } from "./useComparison";
import { useTimeline } from "./useTimeline";
import { useTimelineParams, type TimelineParams } from "./useTimelineParams";

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
  // An event that is over is looked at as a whole, one that runs as it runs.
  const initial: Range = isActive ? "PT1H" : rangeReaching(createdAt, now);
  const [params, change] = useTimelineParams(initial);
  const { series, error } = useTimeline(eventId, params, now);

  return (
    <section className="card" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">{t.timeline.title}</h2>
      </header>
      <TimelineControls params={params} onChange={change} />
      {error !== null ? (
        <ErrorNotice error={error} />
      ) : series === null ? (
        <Skeleton height="22rem" />
      ) : (
        <Shown eventId={eventId} series={series} params={params} now={now} onChange={change} />
      )}
    </section>
  );
}

interface ShownProps {
  eventId: string;
  series: Series;
  params: TimelineParams;
  now: number;
  onChange: (change: Partial<TimelineParams>) => void;
}

function Shown({ eventId, series, params, now, onChange }: ShownProps) {
  const { metric, granularity, timeZone, range } = params;
  const isDark = useIsDark();
  const context = useComparison(eventId, params, params.compareTo, series.buckets.at(-1)?.start ?? null);
  if (isEmpty(series)) {
    return <Empty range={range} onChange={onChange} />;
  }
  const drawing = { buckets: series.buckets, metric, compared: context?.compared ?? NOTHING, now };
  return (
    <>
      <TimelineChart key={String(isDark)} drawing={drawing} granularity={granularity} timeZone={timeZone} />
      {context === null ? null : <TrendNote context={context} metric={metric} granularity={granularity} timeZone={timeZone} />}
      <TimelineTable buckets={series.buckets} granularity={granularity} timeZone={timeZone} />
    </>
  );
}

const NOTHING: TimelineContext["compared"] = new Map();

function Empty({ range, onChange }: { range: Range; onChange: (change: Partial<TimelineParams>) => void }) {
  const { t } = useLocale();
  const longer = RANGES[RANGES.indexOf(range) + 1];
  return (
    <Notice role="status" title={t.timeline.emptyTitle} hint={t.timeline.emptyHint}>
      {longer === undefined ? null : (
        <button type="button" className="button" onClick={() => onChange({ range: longer, granularity: fittingGranularity(longer, null) })}>
          {t.timeline.longer}
        </button>
      )}
    </Notice>
  );
}

function isEmpty(series: Series): boolean {
  return series.buckets.every((bucket) => METRICS.every((metric) => isLevel(metric) || bucket[metric] === 0));
}
