import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { TimelineComparisonDocument, type Comparison, type TimelineComparisonQuery } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { toInput } from "./range";
import type { Subject } from "./useTimeline";
import type { TimelineParams } from "./useTimelineParams";

type Compared = NonNullable<TimelineComparisonQuery["event"]>["timeline"];
export type TimelineContext = Pick<Compared, "comparison" | "trend"> & {
  /** The compared period's buckets, by the start (milliseconds since 1970) of those that they stand beside. */
  readonly compared: ReadonlyMap<number, NonNullable<Compared["points"][number]["compared"]>>;
};

/** Changes over a whole window are worth no more than this. */
const REFRESH_MS = 60_000;

/**
 * What surrounds a live series: its trend, and the other period where one is compared. Asked again whenever a bucket
 * begins, because then each bucket has another one beside it.
 *
 * @param newest start of the newest bucket; null while there is none
 */
export function useComparison(
  { eventId, life }: Subject,
  params: TimelineParams,
  compareTo: Comparison | null,
  newest: number | null,
): TimelineContext | null {
  const { range, granularity, timeZone } = params;
  const { data } = useQuery({
    queryKey: ["comparison", eventId, range, granularity, timeZone, compareTo, newest],
    queryFn: ({ signal }) => query(TimelineComparisonDocument, { eventId, granularity, range: toInput(range, life), timeZone, compareTo }, signal),
    enabled: newest !== null,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
    // Each newest bucket has a key of its own; the former ones are of no more use.
    gcTime: REFRESH_MS,
    select: toContext,
  });
  return data ?? null;
}

function toContext({ event }: TimelineComparisonQuery): TimelineContext | null {
  if (event === null) {
    return null;
  }
  const { points, comparison, trend } = event.timeline;
  const compared = new Map(points.flatMap((point) => (point.compared === null ? [] : [[Date.parse(point.start), point.compared]])));
  return { comparison, trend, compared };
}
