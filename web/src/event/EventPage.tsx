import type { ReactNode } from "react";
import { Link } from "wouter";
import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import type { Life } from "../timeline/range";
import { TimelinePanel } from "../timeline/TimelinePanel";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { StatusLabel } from "../ui/StatusLabel";
import { useTitle } from "../ui/useTitle";
import { ChannelPanel } from "./ChannelPanel";
import "./event.css";
import { FunnelPanel } from "./FunnelPanel";
import { RefreshControl } from "./RefreshControl";
import { RoiPanel } from "./RoiPanel";
import { Totals } from "./Totals";
import { useEvent } from "./useEvent";
import { useFreshness } from "./useFreshness";

/** Everything about one event. */
export function EventPage({ eventId }: { eventId: string }) {
  const { t } = useLocale();
  const view = useEvent(eventId);
  useTitle(view.kind === "shown" ? view.event.title : t.overview.title);
  return (
    <>
      <Link className="back" href="/">
        ← {t.event.back}
      </Link>
      {view.kind === "shown" ? <Loaded event={view.event} onEvent={view.update} /> : null}
      {view.kind === "loading" ? <Loading /> : null}
      {view.kind === "missing" ? <Notice role="alert" isPage title={t.event.notFoundTitle} hint={t.event.notFoundHint} /> : null}
      {view.kind === "failed" ? <ErrorNotice error={view.error} onRetry={view.retry} /> : null}
    </>
  );
}

function Loaded({ event, onEvent }: { event: EventPageFragment; onEvent: (event: EventPageFragment) => void }) {
  const freshness = useFreshness(event.eventId);
  return (
    <article className="event">
      <EventHeader event={event}>
        <RefreshControl eventId={event.eventId} freshness={freshness} onEvent={onEvent} />
      </EventHeader>
      <Totals event={event} />
      <TimelinePanel subject={{ eventId: event.eventId, life: lifeOf(event) }} />
      <div className="event-pair">
        <FunnelPanel steps={event.funnel.steps} />
        <RoiPanel roi={event.roi} />
      </div>
      <ChannelPanel channels={event.channels} freshness={freshness} />
    </article>
  );
}

/** An event that is over lives up to the last that was heard of it. */
function lifeOf({ status, createdAt, updatedAt }: EventPageFragment): Life {
  return { from: Date.parse(createdAt), to: status === "ACTIVE" ? null : Date.parse(updatedAt) };
}

function EventHeader({ event, children }: { event: EventPageFragment; children: ReactNode }) {
  const { t, f } = useLocale();
  return (
    <header className="event-head">
      <div>
        <StatusLabel status={event.status} />
        <h1>{event.title}</h1>
        <p className="note">
          {t.event.owner} <Link href={`/users/${encodeURIComponent(event.userId)}`}>{event.userId}</Link>
          {" · "}
          {t.event.created} {f.instant(Date.parse(event.createdAt))}
        </p>
      </div>
      {children}
    </header>
  );
}

function Loading() {
  const { t } = useLocale();
  return (
    <div className="event" role="status" aria-label={t.loading}>
      <Skeleton height="5.5rem" />
      <Skeleton height="7.5rem" />
      <Skeleton height="27rem" />
      <div className="event-pair">
        <Skeleton height="20rem" />
        <Skeleton height="20rem" />
      </div>
    </div>
  );
}
