import { expect, it } from "vitest";
import { toColumns } from "./columns";
import type { Bucket } from "./series";

const bucket = (start: number, participants: number, cumulative: number): Bucket => ({
  start: start * 1000,
  end: (start + 60) * 1000,
  participants,
  views: 0,
  engagement: 0,
  conversions: 0,
  cumulative,
});
const BUCKETS = [bucket(0, 2, 2), bucket(60, 3, 5), bucket(120, 1, 6)];

it("keeps the running bucket apart from the finished ones", () => {
  expect(toColumns(BUCKETS, "participants", 150_000)).toEqual([
    [0, 60, 120],
    [2, 3, null],
    [null, null, 1],
  ]);
});

it("draws a level at the end of each bucket, the running one up to now, joined to the line", () => {
  expect(toColumns(BUCKETS, "cumulative", 150_000)).toEqual([
    [60, 120, 150],
    [2, 5, null],
    [null, 5, 6],
  ]);
});
