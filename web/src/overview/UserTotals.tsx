import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { UserDetailDocument, UserLiveDocument, type UserTotalsFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { useLocale } from "../i18n/locale";
import { useFeed } from "../live/useFeed";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Figures } from "../ui/Figures";
import { LiveNumber } from "../ui/LiveNumber";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";

/** What all events of a user come to, live. */
export function UserTotals({ userId }: { userId: string }) {
  const { t, f } = useLocale();
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

  const user = live ?? found;
  if (failure !== null || detail.isError) {
    return <ErrorNotice error={failure ?? detail.error} onRetry={() => void detail.refetch()} />;
  }
  if (detail.isPending) {
    return <Skeleton height="7.5rem" />;
  }
  if (user === null) {
    return <Notice role="alert" title={t.user.notFoundTitle} hint={t.user.notFoundHint} />;
  }
  return (
    <Figures
      figures={[
        { label: t.user.participants, value: <LiveNumber value={user.totalParticipants} format={f.count} /> },
        { label: t.user.views, value: <LiveNumber value={user.totalViews} format={f.count} /> },
        { label: t.user.events, value: t.user.eventsOf(f.count(user.activeEventCount), f.count(user.eventCount)) },
        { label: t.user.roi, value: f.percent(user.roi) },
        { label: t.user.investment, value: f.won(user.totalInvestment) },
      ]}
    />
  );
}
