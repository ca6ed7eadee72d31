import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { EventsDocument, type EventFilter, type EventsQuery } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { ORDER, type Sort } from "./sorting";
import type { OverviewParams } from "./useOverviewParams";

export type Tile = EventsQuery["events"]["nodes"][number];

const PAGE = 24;
/** New events appear within this time; those in sight are live anyway. */
const REFRESH_MS = 30_000;
/** Where there is nothing yet, somebody waits for the first one. */
const EMPTY_REFRESH_MS = 2_000;
/** Farther down a list nobody wants it to move. */
const REFRESHED_PAGES = 2;

/** What the overview is limited to, as the gateway takes it. */
export function toFilter(userId: string | null, { search, status }: Pick<OverviewParams, "search" | "status">): EventFilter {
  return {
    ...(userId === null ? {} : { userId }),
    ...(search.trim() === "" ? {} : { titleContains: search.trim() }),
    ...(status === null ? {} : { status: [status] }),
  };
}

/** The pages of events so far, and how to get the next one. */
export function useEvents(filter: EventFilter, sort: Sort) {
  return useInfiniteQuery({
    queryKey: ["events", filter, sort],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      query(EventsDocument, { filter, orderBy: ORDER[sort], first: PAGE, after: pageParam }, signal),
    getNextPageParam: ({ events: { pageInfo } }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      const pages = state.data?.pages ?? [];
      const isEmpty = pages.every((page) => page.events.nodes.length === 0);
      return pages.length > REFRESHED_PAGES ? false : isEmpty ? EMPTY_REFRESH_MS : REFRESH_MS;
    },
  });
}
