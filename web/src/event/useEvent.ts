import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EventDetailDocument, EventLiveDocument, type EventPageFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { useFeed } from "../live/useFeed";

export type EventView =
  | { kind: "loading" }
  | { kind: "missing" }
  | { kind: "failed"; error: Error; retry: () => void }
  | { kind: "shown"; event: EventPageFragment };

/** One event: first as a query finds it, then as it changes. */
export function useEvent(eventId: string): EventView {
  const [live, setLive] = useState<EventPageFragment | null>(null);
  const detail = useQuery({
    queryKey: ["event", eventId],
    queryFn: ({ signal }) => query(EventDetailDocument, { eventId }, signal),
  });
  const found = detail.data?.event ?? null;
  // A feed of an event that is not there would only fail.
  const failure = useFeed(
    {
      document: EventLiveDocument,
      variables: { eventId },
      cursorOf: (data) => data.eventUpdated.cursor,
      onData: (data) => setLive(data.eventUpdated.event),
    },
    { enabled: found !== null },
  );

  const event = live ?? found;
  if (failure !== null) {
    return { kind: "failed", error: failure, retry: () => location.reload() };
  }
  if (event !== null) {
    return { kind: "shown", event };
  }
  if (detail.isError) {
    return { kind: "failed", error: detail.error, retry: () => void detail.refetch() };
  }
  return { kind: detail.isPending ? "loading" : "missing" };
}
