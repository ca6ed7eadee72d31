import { expect, it } from "vitest";
import { topOf } from "./chartOptions";

it("leaves room above the highest line, and a few steps where there is hardly anything", () => {
  expect(topOf(100, [])).toBeCloseTo(108);
  expect(topOf(1, [])).toBe(4);
});

it("shows a band as far as the lines stay readable", () => {
  expect(topOf(100, [null, 150])).toBeCloseTo(162);
  expect(topOf(100, [null, 9_000])).toBeCloseTo(216);
});
