import { expect, it } from "vitest";
import type { ChannelRowFragment } from "../gateway/generated/operations";
import { growth, NO_HISTORY, remember, type ChannelHistory } from "./channelHistory";

const seen = (id: string, participants: number) => ({ id, participants }) as ChannelRowFragment;
const look = (history: ChannelHistory, now: number, ...channels: ChannelRowFragment[]) => remember(history, channels, now);

it("keeps one sample a step: the last that was seen in it", () => {
  let history = look(NO_HISTORY, 100_000, seen("a", 1));
  history = look(history, 102_000, seen("a", 3));
  history = look(history, 105_000, seen("a", 4), seen("b", 9));
  expect([...history.samples]).toEqual([
    ["a", [3, 4]],
    ["b", [9]],
  ]);
});

it("stays as small as it may be, however long it goes on", () => {
  let history = NO_HISTORY;
  for (let step = 1; step <= 500; step += 1) {
    history = look(history, step * 5_000, seen("a", step));
  }
  expect(history.samples.get("a")).toEqual(Array.from({ length: 60 }, (_, index) => 441 + index));
});

it("forgets a channel that has gone", () => {
  const history = look(look(NO_HISTORY, 100_000, seen("a", 1)), 110_000, seen("b", 1));
  expect([...history.samples.keys()]).toEqual(["b"]);
});

it("grows from nothing", () => {
  expect(growth([1_200, 1_203, 1_207])).toEqual([0, 3, 7]);
  expect(growth([])).toEqual([]);
});
