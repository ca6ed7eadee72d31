import type { AlignedData } from "uplot";
import { isLevel, valueOf, type Metric } from "./metric";
import type { Bucket } from "./series";

/** The order of the chart's columns behind the x column. */
export const COLUMN = { finished: 1, running: 2 } as const;

/**
 * The chart's columns: x in seconds, then one column per way of drawing. A running bucket stands in a column of its own
 * so that it can look unfinished; a level's running column starts at the last finished point, so that the line holds.
 */
export function toColumns(buckets: readonly Bucket[], metric: Metric, now: number): AlignedData {
  const level = isLevel(metric);
  const x = buckets.map((bucket) => (level ? Math.min(bucket.end, Math.max(now, bucket.start)) : bucket.start) / 1000);
  const finished = buckets.map((bucket) => (bucket.end > now ? null : valueOf(bucket, metric)));
  const running = buckets.map((bucket, index) => {
    const next = buckets[index + 1];
    const joins = level && next !== undefined && next.end > now;
    return bucket.end > now || joins ? valueOf(bucket, metric) : null;
  });
  return [x, finished, running];
}
