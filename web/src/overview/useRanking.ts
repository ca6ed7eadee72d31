import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { RankingDocument, type ChannelGrouping, type ChannelMetric, type EventFilter } from "../gateway/generated/operations";
import { query } from "../gateway/query";

const TOP = 8;
const REFRESH_MS = 10_000;

/** The metrics that channels may be ranked by, in the order in which they are offered. */
export const RANKING_METRICS = [
  "PARTICIPANTS",
  "VIEWS",
  "CONVERSIONS",
  "CLICK_THROUGH_RATE",
  "CONVERSION_RATE",
  "COST_PER_PARTICIPANT",
] as const satisfies readonly ChannelMetric[];
export type RankingMetric = (typeof RANKING_METRICS)[number];

/** The best channels over the events that the filter selects. */
export function useRanking(filter: EventFilter, by: RankingMetric, groupBy: ChannelGrouping) {
  return useQuery({
    queryKey: ["ranking", filter, by, groupBy],
    queryFn: ({ signal }) => query(RankingDocument, { by, groupBy, filter, top: TOP }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}
