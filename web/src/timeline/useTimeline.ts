import { useState } from "react";
import type { GatewayError } from "../gateway/errors";
import { TimelineLiveDocument } from "../gateway/generated/operations";
import { useFeed } from "../live/useFeed";
import { rangeMs, toInput, type Life } from "./range";
import { applyUpdate, EMPTY, roll, type Series, type Window } from "./series";
import type { TimelineParams } from "./useTimelineParams";

export interface Timeline {
  /** Null until the first snapshot. */
  readonly series: Series | null;
  readonly error: GatewayError | null;
}

/** An event and when it lives. */
export interface Subject {
  readonly eventId: string;
  readonly life: Life;
}

/** An event's live series, rolled on to `now`. */
export function useTimeline({ eventId, life }: Subject, { range, granularity, timeZone }: TimelineParams, now: number): Timeline {
  const [held, setHeld] = useState<{ key: string; series: Series } | null>(null);
  const window: Window = { granularity, lengthMs: rangeMs(range) };
  const key = JSON.stringify([eventId, range, granularity, timeZone]);

  const error = useFeed({
    document: TimelineLiveDocument,
    variables: { eventId, granularity, range: toInput(range, life), timeZone },
    cursorOf: (data) => data.timelineUpdated.cursor,
    onData: (data) =>
      setHeld((previous) => {
        const base = previous?.key === key ? previous.series : EMPTY;
        return { key, series: applyUpdate(roll(base, window, Date.now()), data.timelineUpdated) };
      }),
  });

  const series = held?.key === key ? roll(held.series, window, now) : null;
  return { series, error };
}
