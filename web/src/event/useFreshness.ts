import { useQuery } from "@tanstack/react-query";
import { EventFreshnessDocument, type EventFreshnessQuery, type FreshnessMarkFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";

const REFRESH_MS = 15_000;

/** How fresh the parts of an event are. */
export interface EventFreshness {
  readonly event: FreshnessMarkFragment;
  /** By the channel's id. */
  readonly channels: ReadonlyMap<string, FreshnessMarkFragment>;
}

/**
 * Polled, not pushed: a breaker that opens changes no number of the event, so no update tells of it. Null until known;
 * the page says nothing about freshness then.
 */
export function useFreshness(eventId: string): EventFreshness | null {
  const { data } = useQuery({
    queryKey: ["freshness", eventId],
    queryFn: ({ signal }) => query(EventFreshnessDocument, { eventId }, signal),
    refetchInterval: REFRESH_MS,
    select: toFreshness,
  });
  return data ?? null;
}

function toFreshness({ event }: EventFreshnessQuery): EventFreshness | null {
  return event === null
    ? null
    : { event: event.freshness, channels: new Map(event.channels.map((channel) => [channel.id, channel.freshness])) };
}
