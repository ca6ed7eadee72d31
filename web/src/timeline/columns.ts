import type { AlignedData } from "uplot";
import { isLevel, valueOf, type CountMetric, type Metric } from "./metric";
import type { Bucket } from "./series";

/** What a chart draws. */
export interface Drawing {
  readonly buckets: readonly Bucket[];
  readonly metric: Metric;
  /** Values of the compared period, by start of the bucket that they stand beside. */
  readonly compared: ReadonlyMap<number, Readonly<Record<CountMetric, number>>>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The chart's columns: x in seconds, then one column per way of drawing. A running bucket stands in a column of its own
 * so that it can look unfinished.
 *
 * Of a count: finished, running, compared. Of a level: finished, running.
 */
export function toColumns(drawing: Drawing): AlignedData {
  return isLevel(drawing.metric) ? levelColumns(drawing) : countColumns(drawing, drawing.metric);
}

function countColumns({ buckets, compared, now }: Drawing, metric: CountMetric): AlignedData {
  return [
    buckets.map((bucket) => bucket.start / 1000),
    buckets.map((bucket) => (bucket.end > now ? null : valueOf(bucket, metric))),
    buckets.map((bucket) => (bucket.end > now ? valueOf(bucket, metric) : null)),
    buckets.map((bucket) => compared.get(bucket.start)?.[metric] ?? null),
  ];
}

/** A level stands at the end of its bucket, that of the running one at this moment. */
function levelColumns({ buckets, metric, now }: Drawing): AlignedData {
  return [
    buckets.map((bucket) => Math.min(bucket.end, Math.max(now, bucket.start)) / 1000),
    buckets.map((bucket) => (bucket.end > now ? null : valueOf(bucket, metric))),
    buckets.map((bucket, index) => {
      const next = buckets[index + 1];
      const joins = next !== undefined && next.end > now;
      return bucket.end > now || joins ? valueOf(bucket, metric) : null;
    }),
  ];
}
