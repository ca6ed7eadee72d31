import { useLocale } from "../i18n/locale";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { useIsDark } from "../ui/theme";
import { useNow } from "../ui/useNow";
import { CsvButton } from "./CsvButton";
import { isLevel, METRICS } from "./metric";
import { fittingGranularity, rangeMs, type Range } from "./range";
import type { Series } from "./series";
import "./timeline.css";
import { TimelineChart } from "./TimelineChart";
import { TimelineControls } from "./TimelineControls";
import { TimelineTable } from "./TimelineTable";
import { TrendNote } from "./TrendNote";
import { useComparison, type TimelineContext } from "./useComparison";
import { useForecast } from "./useForecast";
import { useTimeline, type Subject } from "./useTimeline";
import { useTimelineParams, type TimelineParams } from "./useTimelineParams";

const TICK_MS = 1_000;
const DAY_MS = 86_400_000;
/** How far a forecast looks ahead, as a part of what is looked back on. */
const FORECAST_PART = 0.25;

/** How an event goes, over time, as it happens. */
export function TimelinePanel({ subject }: { subject: Subject }) {
  const { t } = useLocale();
  const now = useNow(TICK_MS);
  // An event that is over is looked at as a whole, one that runs as it runs.
  const initial: Range = isRunning(subject) ? "PT1H" : "ALL";
  const [params, change] = useTimelineParams(initial);
  const { series, error } = useTimeline(subject, params, now);

  return (
    <section className="card" aria-labelledby="timeline-title">
      <header>
        <h2 id="timeline-title">{t.timeline.title}</h2>
        <CsvButton subject={subject} params={params} />
      </header>
      <TimelineControls params={params} onChange={change} />
      {error !== null ? (
        <ErrorNotice error={error} />
      ) : series === null ? (
        <Skeleton height="22rem" />
      ) : (
        <Shown subject={subject} series={series} params={params} now={now} onChange={change} />
      )}
    </section>
  );
}

interface ShownProps {
  subject: Subject;
  series: Series;
  params: TimelineParams;
  now: number;
  onChange: (change: Partial<TimelineParams>) => void;
}

function Shown({ subject, series, params, now, onChange }: ShownProps) {
  const { metric, granularity, timeZone, range } = params;
  const isDark = useIsDark();
  const context = useComparison(subject, params, params.compareTo, series.buckets.at(-1)?.start ?? null);
  const horizon = (rangeMs(range) ?? wholeDays(now - subject.life.from)) * FORECAST_PART;
  const forecast = useForecast(subject.eventId, horizon, isRunning(subject) && isLevel(metric));
  if (isEmpty(series)) {
    return <Empty range={range} onChange={onChange} />;
  }
  const drawing = { buckets: series.buckets, metric, compared: context?.compared ?? NOTHING, forecast: forecast ?? [], now };
  return (
    <>
      <TimelineChart key={String(isDark)} drawing={drawing} granularity={granularity} timeZone={timeZone} />
      {context === null ? null : (
        <TrendNote context={context} forecast={forecast} metric={metric} granularity={granularity} timeZone={timeZone} />
      )}
      <TimelineTable buckets={series.buckets} granularity={granularity} timeZone={timeZone} />
    </>
  );
}

function isRunning(subject: Subject): boolean {
  return subject.life.to === null;
}

/** Rounded up, so that what is asked for does not change by the second. */
function wholeDays(milliseconds: number): number {
  return Math.ceil(milliseconds / DAY_MS) * DAY_MS;
}

const NOTHING: TimelineContext["compared"] = new Map();

function Empty({ range, onChange }: { range: Range; onChange: (change: Partial<TimelineParams>) => void }) {
  const { t } = useLocale();
  return (
    <Notice role="status" title={t.timeline.emptyTitle} hint={t.timeline.emptyHint}>
      {range === "ALL" ? null : (
        <button type="button" className="button" onClick={() => onChange({ range: "ALL", granularity: fittingGranularity("ALL", null) })}>
          {t.timeline.whole}
        </button>
      )}
    </Notice>
  );
}

function isEmpty(series: Series): boolean {
  return series.buckets.every((bucket) => METRICS.every((metric) => isLevel(metric) || bucket[metric] === 0));
}
