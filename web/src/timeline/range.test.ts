import { expect, it } from "vitest";
import { fittingGranularity, granularitiesOf, rangeMs, rangeReaching, RANGES } from "./range";

const LENGTH_MS = { MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000, WEEK: 7 * 86_400_000, MONTH: 28 * 86_400_000 };

it("offers only granularities that a chart can draw", () => {
  for (const range of RANGES) {
    for (const granularity of granularitiesOf(range)) {
      const buckets = rangeMs(range) / LENGTH_MS[granularity];
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

it("reaches back to the beginning with the shortest range", () => {
  expect(rangeReaching(0, 60_000)).toBe("PT1H");
  expect(rangeReaching(0, 8 * 86_400_000)).toBe("P30D");
  expect(rangeReaching(0, 4_000 * 86_400_000)).toBe("P365D");
});
