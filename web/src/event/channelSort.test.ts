import { expect, it } from "vitest";
import type { ChannelRowFragment } from "../gateway/generated/operations";
import { nextSort, sortChannels } from "./channelSort";

function channel(channelName: string, participants: number, costPerParticipant: string | null): ChannelRowFragment {
  return {
    id: channelName,
    channelName,
    channelType: "SNS",
    views: 0,
    clicks: 0,
    participants,
    conversions: 0,
    distributionCost: "0.00",
    clickThroughRate: null,
    conversionRate: null,
    costPerParticipant,
    participantShare: null,
  };
}
const CHANNELS = [channel("지니TV", 5, "900.00"), channel("링고비즈", 5, null), channel("인스타그램", 12, "1000.00")];
const names = (column: Parameters<typeof nextSort>[1], descending: boolean) =>
  sortChannels(CHANNELS, { column, descending }, "ko").map((each) => each.channelName);

it("compares decimals as numbers, and puts those without a value last either way", () => {
  expect(names("costPerParticipant", false)).toEqual(["지니TV", "인스타그램", "링고비즈"]);
  expect(names("costPerParticipant", true)).toEqual(["인스타그램", "지니TV", "링고비즈"]);
});

it("breaks ties by name, whatever the direction", () => {
  expect(names("participants", true)).toEqual(["인스타그램", "링고비즈", "지니TV"]);
  expect(names("participants", false)).toEqual(["링고비즈", "지니TV", "인스타그램"]);
});

it("starts a number with the largest and a name with the first, then turns round", () => {
  const byName = nextSort({ column: "views", descending: true }, "channelName");
  expect(byName).toEqual({ column: "channelName", descending: false });
  expect(nextSort(byName, "channelName").descending).toBe(true);
  expect(nextSort(byName, "views").descending).toBe(true);
});
