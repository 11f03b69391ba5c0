import { expect, test } from "vitest";
import { didYouMean, nearestName } from "./didYouMean.ts";

test.each([
  ["dstate", "dState"],
  ["d_state", "dState"],
  ["dStaet", "dState"],
  ["nlayer", "nLayers"],
  ["vocabSise", "vocabSize"],
  ["temperature", undefined],
  ["x", undefined],
])("%s is near %s", (name, expected) => {
  expect(nearestName(name, ["dState", "nLayers", "vocabSize"])).toBe(expected);
});

test("a hint, or nothing", () => {
  expect(didYouMean("step", ["steps", "seed"])).toBe("; did you mean steps?");
  expect(didYouMean("step", [])).toBe("");
});
