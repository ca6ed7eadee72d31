import type { BucketFragment, Granularity, TimelineLiveSubscription } from "../gateway/generated/operations";

export type TimelineUpdate = TimelineLiveSubscription["timelineUpdated"];

/** One bucket; instants in milliseconds since 1970, [start, end). */
export interface Bucket {
  readonly start: number;
  readonly end: number;
  readonly participants: number;
  readonly views: number;
  readonly engagement: number;
  readonly conversions: number;
  /** Participants up to and including this bucket. */
  readonly cumulative: number;
}

/** The buckets of a window, ascending by start, no two alike. */
export interface Series {
  readonly buckets: readonly Bucket[];
  /** Participants of the event in all, inside the window or not. */
  readonly total: number;
  /** Participants of a time after the window, which `total` counts and no bucket does. */
  readonly later: number;
}

export const EMPTY: Series = { buckets: [], total: 0, later: 0 };

const FIXED_MS: Partial<Record<Granularity, number>> = { MINUTE: 60_000, HOUR: 3_600_000 };

/** Length of a bucket that is the same everywhere; null for calendar units, whose length depends on the zone. */
export function fixedLength(granularity: Granularity): number | null {
  return FIXED_MS[granularity] ?? null;
}

function toBucket(point: BucketFragment): Bucket {
  return {
    start: Date.parse(point.start),
    end: Date.parse(point.end),
    participants: point.participants,
    views: point.views,
    engagement: point.engagement,
    conversions: point.conversions,
    cumulative: point.cumulativeParticipants,
  };
}

/**
 * The series after an update: a snapshot replaces it, a delta overwrites the buckets that it holds.
 *
 * Deltas are absolute values, so applying one twice, or losing one and getting the next, is harmless.
 */
export function applyUpdate(series: Series, update: TimelineUpdate): Series {
  const total = update.totalParticipants;
  const sent = update.points.map(toBucket);
  if (update.kind === "SNAPSHOT") {
    const buckets = sent.toSorted((a, b) => a.start - b.start);
    return { buckets, total, later: total - (buckets.at(-1)?.cumulative ?? total) };
  }
  return { buckets: settle(merge(series.buckets, sent), total - series.later), total, later: series.later };
}

function merge(known: readonly Bucket[], changed: readonly Bucket[]): Bucket[] {
  const byStart = new Map(known.map((bucket) => [bucket.start, bucket]));
  for (const bucket of changed) {
    byStart.set(bucket.start, bucket);
  }
  return [...byStart.values()].toSorted((a, b) => a.start - b.start);
}

/**
 * Cumulative values that agree with each other: a late participant moves those of every later bucket, and a delta need
 * not repeat them. The newest bucket's is known from the total, so the others are counted backwards from it.
 */
function settle(buckets: readonly Bucket[], newest: number): Bucket[] {
  let running = newest;
  return buckets
    .toReversed()
    .map((bucket) => {
      const cumulative = running;
      running -= bucket.participants;
      return cumulative === bucket.cumulative ? bucket : { ...bucket, cumulative };
    })
    .toReversed();
}

/** Where the window of a feed lies. */
export interface Window {
  readonly granularity: Granularity;
  /** Length of a window that moves with the clock; null for one that stands still. */
  readonly lengthMs: number | null;
}

/**
 * The series at `now`: empty buckets where the clock went on and nothing happened, and nothing older than the window.
 * Only buckets of fixed length are added; a calendar unit that begins is sent by the gateway.
 */
export function roll(series: Series, window: Window, now: number): Series {
  if (window.lengthMs === null) {
    return series;
  }
  const oldest = now - window.lengthMs;
  const filled = fill(series.buckets, fixedLength(window.granularity), now);
  const first = filled.findIndex((bucket) => bucket.end > oldest);
  if (filled === series.buckets && first <= 0) {
    return series;
  }
  return { ...series, buckets: filled.slice(Math.max(first, 0)) };
}

function fill(buckets: readonly Bucket[], length: number | null, now: number): readonly Bucket[] {
  const last = buckets.at(-1);
  if (length === null || last === undefined || last.end > now) {
    return buckets;
  }
  const added: Bucket[] = [];
  for (let start = last.end; start <= now; start += length) {
    added.push(empty(start, start + length, last.cumulative));
  }
  return [...buckets, ...added];
}

function empty(start: number, end: number, cumulative: number): Bucket {
  return { start, end, participants: 0, views: 0, engagement: 0, conversions: 0, cumulative };
}
