import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  EventFreshnessNowDocument,
  RefreshChannelsDocument,
  type EventFreshnessFragment,
  type EventFreshnessNowQuery,
  type EventPageFragment,
  type RefreshChannelsMutation,
} from "../gateway/generated/operations";
import { query } from "../gateway/query";

export type ChannelRefresh = RefreshChannelsMutation["refreshEvent"]["channels"][number];

/** Numbers grow old, and breakers open, without any message: nothing pushes that. */
const LOOK_MS = 10_000;

const key = (eventId: string) => ["freshness", eventId] as const;

/** How current an event's numbers are, and those of its channels; null until it is known. */
export function useFreshness(eventId: string): EventFreshnessFragment | null {
  const { data } = useQuery({
    queryKey: key(eventId),
    queryFn: ({ signal }) => query(EventFreshnessNowDocument, { eventId }, signal),
    refetchInterval: LOOK_MS,
  });
  return data?.event ?? null;
}

/** Has the channels' APIs read now. */
export function useRefresh(eventId: string, onEvent: (event: EventPageFragment) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => (await query(RefreshChannelsDocument, { eventId })).refreshEvent,
    onSuccess: ({ event }) => {
      if (event !== null) {
        onEvent(event);
        queries.setQueryData<EventFreshnessNowQuery>(key(eventId), { event });
      }
    },
  });
}
