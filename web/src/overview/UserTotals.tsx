import type { UserTotalsFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Figures } from "../ui/Figures";
import { LiveNumber } from "../ui/LiveNumber";

/** A user's events in five numbers. */
export function UserTotals({ user }: { user: UserTotalsFragment }) {
  const { t, f } = useLocale();
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
