import { expect, it } from "vitest";
import { backoffMs } from "./backoff";

it("doubles up to ten seconds, however often it failed", () => {
  expect([0, 1, 2].map((attempt) => backoffMs(attempt, 0))).toEqual([150, 300, 600]);
  expect(backoffMs(5_000, 0)).toBe(5_000);
  expect(backoffMs(5_000, 0.999_999)).toBeLessThan(10_000);
});
