import { expect, it } from "vitest";
import { fittingGranularity, granularitiesOf, rangeMs, RANGES, toInput } from "./range";

const LENGTH_MS = { MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000, WEEK: 7 * 86_400_000, MONTH: 28 * 86_400_000 };

it("offers only granularities that a chart can draw", () => {
  for (const range of RANGES) {
    const length = rangeMs(range);
    for (const granularity of length === null ? [] : granularitiesOf(range)) {
      const buckets = (length ?? 0) / LENGTH_MS[granularity];
      expect(buckets, `${range} per ${granularity}`).toBeGreaterThan(2);
      expect(buckets, `${range} per ${granularity}`).toBeLessThanOrEqual(1500);
    }
  }
});

it("keeps the granularity where it fits, and takes the range's own where it does not", () => {
  expect(fittingGranularity("P7D", "DAY")).toBe("DAY");
  expect(fittingGranularity("P7D", "MINUTE")).toBe("HOUR");
  expect(fittingGranularity("P7D", null)).toBe("HOUR");
  expect(fittingGranularity("P7D", "nonsense")).toBe("HOUR");
});

it("spans the life of an event where all of it is wanted", () => {
  const life = { from: Date.parse("2026-01-05T00:00:00Z"), to: null };
  expect(toInput("P7D", life)).toEqual({ last: "P7D" });
  expect(toInput("ALL", life)).toEqual({ from: "2026-01-05T00:00:00.000Z" });
  expect(toInput("ALL", { ...life, to: life.from + 1 })).toEqual({ from: "2026-01-05T00:00:00.000Z", to: "2026-01-05T00:00:00.001Z" });
});
