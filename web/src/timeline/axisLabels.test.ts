import { expect, it } from "vitest";
import { axisLabels } from "./axisLabels";

const at = (text: string) => Date.parse(text) / 1000;

it("speaks the time of the zone, and the date where a day of the zone begins", () => {
  const splits = [at("2026-01-05T14:00:00Z"), at("2026-01-05T15:00:00Z"), at("2026-01-05T16:00:00Z")];
  expect(axisLabels(splits, 3600, "en", "Asia/Seoul")).toEqual(["23:00", "Jan 6", "01:00"]);
  expect(axisLabels(splits, 3600, "en", "UTC")).toEqual(["14:00", "15:00", "16:00"]);
});

it("speaks dates for days and months for months", () => {
  expect(axisLabels([at("2026-01-04T15:00:00Z")], 86_400, "ko", "Asia/Seoul")).toEqual(["1월 5일"]);
  expect(axisLabels([at("2026-01-31T15:00:00Z")], 28 * 86_400, "en", "Asia/Seoul")).toEqual(["Feb 2026"]);
});
