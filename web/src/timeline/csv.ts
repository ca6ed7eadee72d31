import { toInput } from "./range";
import type { Subject } from "./useTimeline";
import type { TimelineParams } from "./useTimelineParams";

/** Where the gateway has what the chart shows as a table for a spreadsheet. */
export function csvAddress({ eventId, life }: Subject, { range, granularity, timeZone, compareTo }: TimelineParams): string {
  const wanted = { granularity, timeZone, ...toInput(range, life), ...(compareTo === null ? {} : { compareTo }) };
  return `/export/events/${encodeURIComponent(eventId)}/timeline.csv?${new URLSearchParams(wanted as Record<string, string>)}`;
}

/** The name that an answer gives its file: the one in Unicode where it has two. */
export function fileName(disposition: string | null): string {
  const encoded = /filename\*=UTF-8''(?<name>[^;]+)/u.exec(disposition ?? "")?.groups?.["name"];
  return encoded === undefined ? "timeline.csv" : decodeURIComponent(encoded);
}
