import { expect, it } from "vitest";
import { toColumns, type Drawing } from "./columns";
import type { Metric } from "./metric";
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

const drawing = (metric: Metric, extra: Partial<Drawing> = {}): Drawing => ({
  buckets: BUCKETS,
  metric,
  compared: new Map(),
  forecast: [],
  now: 150_000,
  ...extra,
});

it("keeps the running bucket apart from the finished ones", () => {
  expect(toColumns(drawing("participants"))).toEqual([
    [0, 60, 120],
    [2, 3, null],
    [null, null, 1],
    [null, null, null],
    [null, null, null],
  ]);
});

it("puts the compared period beside the buckets that it belongs to, up to the end of the last", () => {
  const values = { participants: 9, views: 8, engagement: 7, conversions: 6 };
  const compared = new Map([
    [60_000, values],
    [120_000, { ...values, views: 5 }],
  ]);
  expect(toColumns(drawing("views", { compared }))).toEqual([
    [0, 60, 120, 180],
    [0, 0, null, null],
    [null, null, 0, null],
    [null, 8, 5, 5],
    [null, 8, 5, 5],
  ]);
});

it("draws a level at the end of each bucket, the running one up to now, joined to the line", () => {
  expect(toColumns(drawing("cumulative")).slice(0, 3)).toEqual([
    [60, 120, 150],
    [2, 5, null],
    [null, 5, 6],
  ]);
});

it("begins the forecast where the line ends, and leaves out what is past", () => {
  const forecast = [
    { at: 140_000, low: 1, expected: 1, high: 1 },
    { at: 200_000, low: 6, expected: 8, high: 11 },
  ];
  expect(toColumns(drawing("cumulative", { forecast }))).toEqual([
    [60, 120, 150, 200],
    [2, 5, null, null],
    [null, 5, 6, null],
    [null, null, 6, 6],
    [null, null, 6, 8],
    [null, null, 6, 11],
  ]);
});
