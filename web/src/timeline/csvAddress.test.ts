import { expect, it } from "vitest";
import { csvAddress } from "./csvAddress";

it("names what the chart shows, whatever is in an id", () => {
  expect(
    csvAddress("evt/1 가", { granularity: "HOUR", timeZone: "Asia/Seoul", range: "P7D", metric: "views", compareTo: null }),
  ).toBe("/export/events/evt%2F1%20%EA%B0%80/timeline.csv?granularity=HOUR&timeZone=Asia%2FSeoul&last=P7D");
});

it("takes the comparison along", () => {
  expect(
    csvAddress("e", { granularity: "DAY", timeZone: "UTC", range: "P30D", metric: "views", compareTo: "PREVIOUS_WEEK" }),
  ).toContain("&compareTo=PREVIOUS_WEEK");
});
