import { expect, it } from "vitest";
import { sparkline } from "./sparkline";

it("fills its box from floor to top", () => {
  expect(sparkline([0, 5, 10], 100, 40)).toEqual({
    line: "M0.0,40.0L50.0,20.0L100.0,0.0",
    area: "M0.0,40.0L50.0,20.0L100.0,0.0L100,40L0,40Z",
  });
});

it("lies on the floor where nothing happened, and is nothing where there are no two points", () => {
  expect(sparkline([0, 0], 100, 40).line).toBe("M0.0,40.0L100.0,40.0");
  expect(sparkline([3], 100, 40)).toEqual({ line: "", area: "" });
});
