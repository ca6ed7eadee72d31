import type { Bucket } from "./series";

/** Counts within a bucket. */
export type CountMetric = "conversions" | "engagement" | "participants" | "views";

export const METRICS = ["participants", "cumulative", "views", "engagement", "conversions"] as const;

/** What a chart shows of every bucket. `cumulative` is a level and is drawn as a line; the others are counts per bucket. */
export type Metric = (typeof METRICS)[number];

/** Whether the metric is a level at the end of the bucket instead of a count within it. */
export function isLevel(metric: Metric): metric is "cumulative" {
  return metric === "cumulative";
}

export function valueOf(bucket: Bucket, metric: Metric): number {
  return bucket[metric];
}
