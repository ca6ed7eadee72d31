import { useSearchParams } from "wouter";
import type { Comparison, Granularity } from "../gateway/generated/operations";
import { fittingGranularity, isRange, type Range } from "./range";
import { METRICS, type Metric } from "./metric";
import { browserZone, isZone } from "./zones";

/** What a chart shows. It lives in the address, so that a view can be kept and shared. */
export interface TimelineParams {
  readonly range: Range;
  readonly granularity: Granularity;
  readonly timeZone: string;
  readonly metric: Metric;
  readonly compareTo: Comparison | null;
}

export const COMPARISONS: readonly Comparison[] = ["PREVIOUS_PERIOD", "PREVIOUS_WEEK", "PREVIOUS_MONTH"];

const KEYS = { range: "range", granularity: "per", timeZone: "tz", metric: "show", compareTo: "vs" } as const;

/** @param initialRange the range where the address names none */
export function useTimelineParams(initialRange: Range): [TimelineParams, (change: Partial<TimelineParams>) => void] {
  const [params, setParams] = useSearchParams();
  const range = params.get(KEYS.range);
  const zone = params.get(KEYS.timeZone);
  const effective = isRange(range) ? range : initialRange;
  const current: TimelineParams = {
    range: effective,
    granularity: fittingGranularity(effective, params.get(KEYS.granularity)),
    timeZone: isZone(zone) ? zone : browserZone(),
    metric: METRICS.find((metric) => metric === params.get(KEYS.metric)) ?? "participants",
    compareTo: COMPARISONS.find((comparison) => comparison === params.get(KEYS.compareTo)) ?? null,
  };
  const change = (changed: Partial<TimelineParams>): void => {
    setParams(
      (previous) => {
        const next = new URLSearchParams(previous);
        for (const [name, value] of Object.entries(changed)) {
          const key = KEYS[name as keyof TimelineParams];
          if (value === null) {
            next.delete(key);
          } else {
            next.set(key, value);
          }
        }
        return next;
      },
      { replace: true },
    );
  };
  return [current, change];
}
