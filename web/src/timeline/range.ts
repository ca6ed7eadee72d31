import type { Granularity, TimeRangeInput } from "../gateway/generated/operations";

/** Windows up to now, as ISO 8601 durations; `ALL` is the whole life of the event. */
export const RANGES = ["PT1H", "PT6H", "P1D", "P7D", "P30D", "P90D", "P365D", "ALL"] as const;
export type Range = (typeof RANGES)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const LENGTH_MS: Record<Exclude<Range, "ALL">, number> = {
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
  ALL: ["DAY", "HOUR", "WEEK", "MONTH"],
};

/** Length of a window that moves with the clock, in milliseconds; null for the event as a whole. */
export function rangeMs(range: Range): number | null {
  return range === "ALL" ? null : LENGTH_MS[range];
}

/** From when to when an event lives, in milliseconds since 1970; `to` is null while it runs. */
export interface Life {
  readonly from: number;
  readonly to: number | null;
}

/** The range as the gateway takes it. */
export function toInput(range: Range, life: Life): TimeRangeInput {
  if (range !== "ALL") {
    return { last: range };
  }
  const from = new Date(life.from).toISOString();
  return life.to === null ? { from } : { from, to: new Date(life.to).toISOString() };
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
