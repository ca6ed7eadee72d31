import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { UserDetailDocument, UserLiveDocument, ViewerDocument, type UserTotalsFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { useFeed } from "../live/useFeed";

export type UserView =
  | { kind: "loading" }
  | { kind: "missing" }
  | { kind: "failed"; error: Error; retry: () => void }
  | { kind: "shown"; user: UserTotalsFragment };

/** What all events of a user come to, live. */
export function useUser(userId: string): UserView {
  const [live, setLive] = useState<UserTotalsFragment | null>(null);
  const detail = useQuery({
    queryKey: ["user", userId],
    queryFn: ({ signal }) => query(UserDetailDocument, { userId }, signal),
  });
  const found = detail.data?.user ?? null;
  const failure = useFeed(
    {
      document: UserLiveDocument,
      variables: { userId },
      cursorOf: (data) => data.userUpdated.cursor,
      onData: (data) => setLive(data.userUpdated.user),
    },
    found !== null,
  );

  if (failure !== null || detail.isError) {
    return { kind: "failed", error: failure ?? detail.error ?? new Error("unknown"), retry: () => void detail.refetch() };
  }
  const user = live ?? found;
  if (user !== null) {
    return { kind: "shown", user };
  }
  return { kind: detail.isPending ? "loading" : "missing" };
}

/** The user of this tab's token who has events of their own; null where there is none, or no token is needed. */
export function useViewer(): string | null {
  const { data } = useQuery({
    queryKey: ["viewer"],
    queryFn: ({ signal }) => query(ViewerDocument, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data !== undefined && data.viewer !== null && data.viewer.eventCount > 0 ? data.viewer.userId : null;
}
