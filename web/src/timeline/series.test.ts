import { describe, expect, it } from "vitest";
import { applyUpdate, EMPTY, roll, type Series, type TimelineUpdate, type Window } from "./series";

const MINUTE = 60_000;
const T0 = Date.parse("2026-01-05T09:00:00Z");
const HOUR_OF_MINUTES: Window = { granularity: "MINUTE", lengthMs: 60 * MINUTE };

function point(minute: number, participants: number, cumulativeParticipants: number) {
  const start = T0 + minute * MINUTE;
  return {
    start: new Date(start).toISOString(),
    end: new Date(start + MINUTE).toISOString(),
    participants,
    views: 0,
    engagement: 0,
    conversions: 0,
    cumulativeParticipants,
  };
}

function update(kind: "DELTA" | "SNAPSHOT", totalParticipants: number, ...points: ReturnType<typeof point>[]): TimelineUpdate {
  return { kind, points, totalParticipants, cursor: "c" };
}

const line = (series: Series) => series.buckets.map(({ start, participants, cumulative }) => [(start - T0) / MINUTE, participants, cumulative]);
const snapshot = applyUpdate(EMPTY, update("SNAPSHOT", 15, point(0, 2, 12), point(1, 0, 12), point(2, 3, 15)));

describe("applyUpdate", () => {
  it("takes a snapshot as it is, replacing what was there", () => {
    expect(line(snapshot)).toEqual([
      [0, 2, 12],
      [1, 0, 12],
      [2, 3, 15],
    ]);
    expect(line(applyUpdate(snapshot, update("SNAPSHOT", 1, point(5, 1, 1))))).toEqual([[5, 1, 1]]);
  });

  it("overwrites the buckets of a delta and adds new ones in their place", () => {
    const after = applyUpdate(snapshot, update("DELTA", 20, point(3, 1, 20), point(2, 7, 19)));
    expect(line(after)).toEqual([
      [0, 2, 12],
      [1, 0, 12],
      [2, 7, 19],
      [3, 1, 20],
    ]);
    expect(after.total).toBe(20);
  });

  it("may see a delta twice, or only the later of two", () => {
    const first = update("DELTA", 16, point(2, 4, 16));
    const second = update("DELTA", 18, point(2, 6, 18));
    const both = applyUpdate(applyUpdate(applyUpdate(snapshot, first), second), second);
    expect(applyUpdate(snapshot, second)).toEqual(both);
  });

  it("carries a late participant into every later bucket although the delta names one", () => {
    const after = applyUpdate(snapshot, update("DELTA", 16, point(0, 3, 13)));
    expect(line(after)).toEqual([
      [0, 3, 13],
      [1, 0, 13],
      [2, 3, 16],
    ]);
  });

  it("leaves out participants of a time after the window", () => {
    const ahead = applyUpdate(EMPTY, update("SNAPSHOT", 20, point(0, 2, 12), point(1, 3, 15)));
    expect(line(applyUpdate(ahead, update("DELTA", 21, point(1, 4, 16))))).toEqual([
      [0, 2, 12],
      [1, 4, 16],
    ]);
  });
});

describe("roll", () => {
  it("adds empty buckets while nothing happens, up to the running one", () => {
    expect(line(roll(snapshot, HOUR_OF_MINUTES, T0 + 4.5 * MINUTE)).slice(3)).toEqual([
      [3, 0, 15],
      [4, 0, 15],
    ]);
  });

  it("lets go of what the window has left, so that memory stays flat", () => {
    const after = roll(snapshot, HOUR_OF_MINUTES, T0 + 61.5 * MINUTE);
    expect(after.buckets[0]?.start).toBe(T0 + MINUTE);
    expect(after.buckets).toHaveLength(61);
  });

  it("is the same object where nothing is to be done", () => {
    expect(roll(snapshot, HOUR_OF_MINUTES, T0 + 2.5 * MINUTE)).toBe(snapshot);
    expect(roll(EMPTY, HOUR_OF_MINUTES, T0)).toBe(EMPTY);
  });

  it("invents no calendar buckets, whose end only the gateway knows", () => {
    const days: Window = { granularity: "DAY", lengthMs: 30 * 86_400_000 };
    expect(roll(snapshot, days, T0 + 10 * MINUTE)).toBe(snapshot);
  });
});
