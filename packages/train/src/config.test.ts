import { expect, test } from "vitest";
import { resolveTrainConfig } from "./config.ts";

test("fills in the defaults", () => {
  expect(resolveTrainConfig({ steps: 10, lr: 0.01, clipNorm: Infinity })).toMatchObject({
    steps: 10,
    lr: 0.01,
    batchSize: 8,
    accumulation: 1,
    segmentLength: undefined,
    schedule: "cosine",
    beta2: 0.95,
    clipNorm: Infinity,
  });
});

test.each([
  ["steps", 0, "a whole number from 1"],
  ["steps", undefined, "a whole number from 1"],
  ["batchSize", 1.5, "a whole number"],
  ["accumulation", 0, "a whole number"],
  ["segmentLength", 0, "a whole number"],
  ["warmupSteps", 11, "a whole number from 0 to 10"],
  ["lr", NaN, "a number from 0"],
  ["lr", "1e-3", 'got "1e-3"'],
  ["finalLr", 2, "a number from 0 to 1"],
  ["weightDecay", -1, "a number from 0"],
  ["beta1", 1, "below 1"],
  ["beta2", -0.1, "below 1"],
  ["eps", 0, "above 0"],
  ["clipNorm", 0, "above 0"],
  ["seed", 0.5, "a whole number"],
  ["schedule", "step", '"constant", "linear", "cosine", got "step"'],
  ["recompute", 1, "true or false"],
])("refuses %s = %s", (field, value, message) => {
  const make = () => resolveTrainConfig({ steps: 10, [field]: value });
  expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(make).toThrow(`training field ${field} must be`);
  expect(make).toThrow(message);
});

test("refuses an unknown field", () => {
  expect(() => resolveTrainConfig({ steps: 10, learningRate: 1 } as never)).toThrow(
    "there is no training field learningRate",
  );
  expect(() => resolveTrainConfig({ steps: 10, batchsize: 1 } as never)).toThrow(
    "there is no training field batchsize; did you mean batchSize?",
  );
});
