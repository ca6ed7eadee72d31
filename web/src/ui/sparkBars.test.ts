import { expect, it } from "vitest";
import { sparkBars } from "./sparkBars";

it("stands on the floor, the largest up to the top, and leaves a zero out", () => {
  expect(sparkBars([5, 0, 10], false, 300, 40)).toEqual({ finished: "M0.0,40v-20.0h72.0v20.0zM200.0,40v-40.0h72.0v40.0z", running: "" });
});

it("keeps the bar that still grows apart", () => {
  expect(sparkBars([10, 5], true, 200, 40)).toEqual({ finished: "M0.0,40v-40.0h72.0v40.0z", running: "M100.0,40v-20.0h72.0v20.0z" });
});

it("is nothing where nothing happened, or nothing is known", () => {
  expect(sparkBars([0, 0], true, 200, 40)).toEqual({ finished: "", running: "" });
  expect(sparkBars([], true, 200, 40)).toEqual({ finished: "", running: "" });
});
