import type { TimelineParams } from "./useTimelineParams";

/** Where the gateway has what the chart shows as CSV: the arguments of the field `timeline` as query parameters. */
export function csvAddress(eventId: string, { granularity, timeZone, range, compareTo }: TimelineParams): string {
  const query = new URLSearchParams({ granularity, timeZone, last: range });
  if (compareTo !== null) {
    query.set("compareTo", compareTo);
  }
  return `/export/events/${encodeURIComponent(eventId)}/timeline.csv?${query.toString()}`;
}
