import { useEffect, useState } from "react";
import type { GatewayError } from "../gateway/errors";
import { TimelineLiveDocument } from "../gateway/generated/operations";
import { useFeed } from "../live/useFeed";
import { rangeMs } from "./range";
import { applyUpdate, EMPTY, roll, snapshotDue, type Series, type Window } from "./series";
import type { TimelineParams } from "./useTimelineParams";

/** A browser whose clock is ahead must not ask in a loop. */
const MIN_SNAPSHOT_MS = 5_000;
/** Longer waits overflow a timer. */
const MAX_SNAPSHOT_MS = 86_400_000;

export interface Timeline {
  /** Null until the first snapshot. */
  readonly series: Series | null;
  readonly error: GatewayError | null;
}

/** An event's live series, rolled on to `now`. */
export function useTimeline(eventId: string, { range, granularity, timeZone }: TimelineParams, now: number): Timeline {
  const [held, setHeld] = useState<{ key: string; series: Series } | null>(null);
  const [generation, setGeneration] = useState(0);
  const window: Window = { granularity, lengthMs: rangeMs(range) };
  const key = JSON.stringify([eventId, range, granularity, timeZone]);

  const error = useFeed(
    {
      document: TimelineLiveDocument,
      variables: { eventId, granularity, range: { last: range }, timeZone },
      cursorOf: (data) => data.timelineUpdated.cursor,
      onData: (data) =>
        setHeld((previous) => {
          const base = previous?.key === key ? previous.series : EMPTY;
          return { key, series: applyUpdate(roll(base, window, Date.now()), data.timelineUpdated) };
        }),
    },
    { generation },
  );

  const series = held?.key === key ? roll(held.series, window, now) : null;
  const due = series === null ? null : snapshotDue(series, window);
  useEffect(() => {
    if (due === null) {
      return;
    }
    const wait = Math.min(Math.max(due - Date.now(), MIN_SNAPSHOT_MS), MAX_SNAPSHOT_MS);
    const timer = setInterval(() => setGeneration((previous) => previous + 1), wait);
    return () => clearInterval(timer);
  }, [due]);

  return { series, error };
}
