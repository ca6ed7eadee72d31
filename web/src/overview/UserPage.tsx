import { Link } from "wouter";
import { useLocale } from "../i18n/locale";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { useTitle } from "../ui/useTitle";
import { Overview } from "./Overview";
import { UserTotals } from "./UserTotals";
import { useUser, type UserView } from "./useUser";

/** All events of one user. */
export function UserPage({ userId }: { userId: string }) {
  const { t } = useLocale();
  const view = useUser(userId);
  const title = t.overview.ofUser(userId);
  useTitle(title);
  return (
    <>
      <Link className="back" href="/">
        ← {t.event.back}
      </Link>
      {view.kind === "missing" ? <Notice role="alert" isPage title={t.user.notFoundTitle} hint={t.user.notFoundHint} /> : null}
      {view.kind === "failed" ? <ErrorNotice error={view.error} onRetry={view.retry} /> : null}
      {view.kind === "loading" || view.kind === "shown" ? (
        <Overview title={title} userId={userId}>
          <Totals view={view} />
        </Overview>
      ) : null}
    </>
  );
}

/** The page of whoever's token this is begins with what their events come to. */
export function OwnTotals({ userId }: { userId: string }) {
  return <Totals view={useUser(userId)} />;
}

function Totals({ view }: { view: UserView }) {
  return view.kind === "shown" ? <UserTotals user={view.user} /> : view.kind === "loading" ? <Skeleton height="7.5rem" /> : null;
}
