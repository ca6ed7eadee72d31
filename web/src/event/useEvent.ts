import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EventDetailDocument, EventLiveDocument, type EventPageFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { useFeed } from "../live/useFeed";

export type EventView =
  | { kind: "loading" }
  | { kind: "missing" }
  | { kind: "failed"; error: Error; retry: () => void }
  | { kind: "shown"; event: EventPageFragment; update: (event: EventPageFragment) => void };

/** One event: as a query finds it or the feed's snapshot says, whichever is first, then as it changes. */
export function useEvent(eventId: string): EventView {
  const [live, setLive] = useState<EventPageFragment | null>(null);
  const detail = useQuery({
    queryKey: ["event", eventId],
    queryFn: ({ signal }) => query(EventDetailDocument, { eventId }, signal),
  });
  // It does not wait for the query: by the time that the answer is there, so is the connection.
  const failure = useFeed({
    document: EventLiveDocument,
    variables: { eventId },
    cursorOf: (data) => data.eventUpdated.cursor,
    onData: (data) => setLive(data.eventUpdated.event),
  });

  const event = live ?? detail.data?.event ?? null;
  if (event === null && detail.data?.event === null) {
    return { kind: "missing" };
  }
  if (failure !== null && !detail.isPending) {
    return { kind: "failed", error: failure, retry: () => location.reload() };
  }
  if (event !== null) {
    return { kind: "shown", event, update: setLive };
  }
  if (detail.isError) {
    return { kind: "failed", error: detail.error, retry: () => void detail.refetch() };
  }
  return { kind: "loading" };
}
