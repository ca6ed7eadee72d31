import { memo, useRef, useState } from "react";
import { Link } from "wouter";
import { EventTileLiveDocument } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { useFeed } from "../live/useFeed";
import { LiveNumber } from "../ui/LiveNumber";
import { SparkBars } from "../ui/SparkBars";
import { StatusLabel } from "../ui/StatusLabel";
import { useInView } from "../ui/useInView";
import type { Tile } from "./useEvents";

/** One event at a glance. It is live while it is in sight. */
export const EventTile = memo(function EventTile({ event: listed }: { event: Tile }) {
  const { t, f } = useLocale();
  const element = useRef<HTMLLIElement>(null);
  const enabled = useInView(element, "100px");
  const [update, setUpdate] = useState<{ after: Tile; event: Tile } | null>(null);
  useFeed(
    {
      document: EventTileLiveDocument,
      variables: { eventId: listed.eventId },
      cursorOf: (data) => data.eventUpdated.cursor,
      onData: (data) => setUpdate({ after: listed, event: data.eventUpdated.event }),
    },
    enabled,
  );
  // Out of sight the list's own refresh is the newer one.
  const event = update !== null && (enabled || update.after === listed) ? update.event : listed;
  const hours = event.timeline.points;

  return (
    <li ref={element} className="tile">
      <Link href={`/events/${encodeURIComponent(event.eventId)}`}>
        <StatusLabel status={event.status} />
        <h2>{event.title}</h2>
        <p className="tile-count">
          <strong>
            <LiveNumber value={event.totalParticipants} format={f.count} />
          </strong>{" "}
          {t.overview.participants}
        </p>
        {hours.some((hour) => hour.participants > 0) ? (
          <SparkBars
            values={hours.map((hour) => hour.participants)}
            isLastRunning={hours.at(-1)?.isPartial ?? false}
            label={t.overview.lastDay}
          />
        ) : (
          <p className="tile-quiet note">{t.overview.quiet(f.day(Date.parse(event.updatedAt)))}</p>
        )}
        <p className="tile-foot number">
          <span>
            {t.overview.views} <b>{f.compact(event.totalViews)}</b>
          </span>
          <span>
            {t.overview.roi} <b>{f.percent(event.roi.roi)}</b>
          </span>
        </p>
      </Link>
    </li>
  );
});
