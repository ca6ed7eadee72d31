import type { Granularity } from "../gateway/generated/operations";

/** A window up to now, as an ISO 8601 duration. */
export const RANGES = ["PT1H", "PT6H", "P1D", "P7D", "P30D", "P90D", "P365D"] as const;
export type Range = (typeof RANGES)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const LENGTH_MS: Record<Range, number> = {
  PT1H: HOUR_MS,
  PT6H: 6 * HOUR_MS,
  P1D: DAY_MS,
  P7D: 7 * DAY_MS,
  P30D: 30 * DAY_MS,
  P90D: 90 * DAY_MS,
  P365D: 365 * DAY_MS,
};

/** The granularities that draw between a few and some 1,500 buckets; the first is what the range starts with. */
const FITTING: Record<Range, readonly [Granularity, ...Granularity[]]> = {
  PT1H: ["MINUTE"],
  PT6H: ["MINUTE", "HOUR"],
  P1D: ["HOUR", "MINUTE"],
  P7D: ["HOUR", "DAY"],
  P30D: ["DAY", "HOUR", "WEEK"],
  P90D: ["DAY", "WEEK", "MONTH"],
  P365D: ["WEEK", "DAY", "MONTH"],
};

export function rangeMs(range: Range): number {
  return LENGTH_MS[range];
}

export function granularitiesOf(range: Range): readonly [Granularity, ...Granularity[]] {
  return FITTING[range];
}

export function isRange(text: string | null): text is Range {
  return (RANGES as readonly (string | null)[]).includes(text);
}

/** The granularity that was asked for where it suits the range, else the range's own. */
export function fittingGranularity(range: Range, asked: string | null): Granularity {
  const fitting = FITTING[range];
  return fitting.find((granularity) => granularity === asked) ?? fitting[0];
}

/** The shortest range that reaches back to `since`: what a page shows where nobody has chosen. */
export function rangeReaching(since: number, now: number): Range {
  return RANGES.find((range) => now - since <= LENGTH_MS[range]) ?? "P365D";
}
