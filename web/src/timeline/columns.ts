import type { AlignedData } from "uplot";
import { isLevel, valueOf, type CountMetric, type Metric } from "./metric";
import type { Bucket } from "./series";
import type { Expectation } from "./useForecast";

/** What a chart draws. */
export interface Drawing {
  readonly buckets: readonly Bucket[];
  readonly metric: Metric;
  /** Values of the compared period, by start of the bucket that they stand beside. */
  readonly compared: ReadonlyMap<number, Readonly<Record<CountMetric, number>>>;
  readonly forecast: readonly Expectation[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Column = (number | null)[];

/**
 * The chart's columns: x in seconds, then one column per way of drawing. A running bucket stands in a column of its own
 * so that it can look unfinished.
 *
 * Of a count: finished, running, compared twice: the outline below and the line above. Of a level: finished, running, low, expected, high.
 */
export function toColumns(drawing: Drawing): AlignedData {
  return isLevel(drawing.metric) ? levelColumns(drawing) : countColumns(drawing, drawing.metric);
}

function countColumns({ buckets, compared, now }: Drawing, metric: CountMetric): AlignedData {
  const last = buckets.at(-1);
  // The compared line goes on to the end of the last bucket.
  const tail = last === undefined || compared.size === 0 ? [] : [last];
  const none: Column = tail.map(() => null);
  const beside: Column = [...buckets, ...tail].map((bucket) => compared.get(bucket.start)?.[metric] ?? null);
  return [
    [...buckets.map((bucket) => bucket.start / 1000), ...tail.map((bucket) => bucket.end / 1000)],
    [...buckets.map((bucket) => (bucket.end > now ? null : valueOf(bucket, metric))), ...none],
    [...buckets.map((bucket) => (bucket.end > now ? valueOf(bucket, metric) : null)), ...none],
    beside,
    beside,
  ];
}

/** A level stands at the end of its bucket, that of the running one at this moment, where the forecast begins. */
function levelColumns({ buckets, metric, forecast, now }: Drawing): AlignedData {
  const ahead = forecast.filter((point) => point.at > now);
  const gap: Column = ahead.map(() => null);
  const isLast = (index: number): boolean => index === buckets.length - 1;
  const start = (index: number, bucket: Bucket): number | null => (isLast(index) && ahead.length > 0 ? valueOf(bucket, metric) : null);

  const x = buckets.map((bucket) => Math.min(bucket.end, Math.max(now, bucket.start)) / 1000);
  const finished: Column = buckets.map((bucket) => (bucket.end > now ? null : valueOf(bucket, metric)));
  const running: Column = buckets.map((bucket, index) => {
    const next = buckets[index + 1];
    const joins = next !== undefined && next.end > now;
    return bucket.end > now || joins ? valueOf(bucket, metric) : null;
  });
  const origin: Column = buckets.map((bucket, index) => start(index, bucket));
  return [
    [...x, ...ahead.map((point) => point.at / 1000)],
    [...finished, ...gap],
    [...running, ...gap],
    [...origin, ...ahead.map((point) => point.low)],
    [...origin, ...ahead.map((point) => point.expected)],
    [...origin, ...ahead.map((point) => point.high)],
  ];
}
