import { expect, it } from "vitest";
import { csvAddress, fileName } from "./csv";
import type { TimelineParams } from "./useTimelineParams";

const PARAMS: TimelineParams = { range: "P7D", granularity: "DAY", timeZone: "Asia/Seoul", metric: "participants", compareTo: null };

it("asks for what the chart shows", () => {
  const running = { eventId: "evt/1 가", life: { from: 0, to: null } };
  expect(csvAddress(running, PARAMS)).toBe("/export/events/evt%2F1%20%EA%B0%80/timeline.csv?granularity=DAY&timeZone=Asia%2FSeoul&last=P7D");
  expect(csvAddress(running, { ...PARAMS, compareTo: "PREVIOUS_WEEK" })).toMatch(/&compareTo=PREVIOUS_WEEK$/u);
});

it("names an event's whole life", () => {
  const address = csvAddress({ eventId: "e", life: { from: 0, to: 86_400_000 } }, { ...PARAMS, range: "ALL" });
  const query = new URL(address, "http://localhost").searchParams;
  expect([query.get("from"), query.get("to"), query.get("last")]).toEqual(["1970-01-01T00:00:00.000Z", "1970-01-02T00:00:00.000Z", null]);
});

it("takes the name that the gateway gives", () => {
  expect(fileName(`attachment; filename="e-timeline.csv"; filename*=UTF-8''%EC%83%88%ED%95%B4.csv`)).toBe("새해.csv");
  expect(fileName(null)).toBe("timeline.csv");
});
