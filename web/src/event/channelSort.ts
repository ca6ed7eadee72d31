import type { ChannelRowFragment } from "../gateway/generated/operations";

export const CHANNEL_COLUMNS = [
  "channelName",
  "participants",
  "participantShare",
  "views",
  "clicks",
  "clickThroughRate",
  "conversions",
  "conversionRate",
  "distributionCost",
  "costPerParticipant",
] as const;
export type ChannelColumn = (typeof CHANNEL_COLUMNS)[number];

export interface ChannelSort {
  readonly column: ChannelColumn;
  readonly descending: boolean;
}

/** What a click on a column's head makes of the order: numbers start with the largest, names with the first. */
export function nextSort(current: ChannelSort, column: ChannelColumn): ChannelSort {
  return current.column === column ? { column, descending: !current.descending } : { column, descending: column !== "channelName" };
}

/** The channels in order; those without a value come last either way, and ties keep the order of names. */
export function sortChannels(channels: readonly ChannelRowFragment[], { column, descending }: ChannelSort, language: string): ChannelRowFragment[] {
  const byName = new Intl.Collator(language, { numeric: true });
  const sign = descending ? -1 : 1;
  return channels.toSorted((a, b) => {
    const names = byName.compare(a.channelName, b.channelName);
    if (column === "channelName") {
      return sign * names;
    }
    const [left, right] = [a[column], b[column]];
    if (left === null || right === null) {
      return Number(left === null) - Number(right === null) || names;
    }
    return sign * (Number(left) - Number(right)) || names;
  });
}
