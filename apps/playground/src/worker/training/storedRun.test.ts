import { expect, test } from "vitest";
import type { Run } from "./run.ts";
import { checkStoredRun, storedRun } from "./storedRun.ts";

const run: Run = {
  settings: { kind: "digits", width: 16, steps: 9, warmup: 9, rate: 0.01, seed: 1 },
  guessLoss: 2,
  losses: [2.5, 2.1],
  snapshot: {
    state: { step: 2, data: "digits", model: {}, training: {} },
    tensors: new Map([["weight", Float32Array.of(1, 2)]]),
  },
  evaluation: undefined,
  isRunning: true,
};

test("a run comes back as it was stored", () => {
  expect(checkStoredRun(structuredClone(storedRun(run)), "digits")).toEqual(run);
});

test("a run of another version is refused", () => {
  expect(() => checkStoredRun({ ...storedRun(run), version: 0 }, "digits")).toThrow(/it is of version 0/);
  expect(() => checkStoredRun("run", "digits")).toThrow(/it is of version undefined/);
});

const { snapshot } = run;
test.each<readonly [string, object]>([
  ["another kind", { settings: { ...run.settings, kind: "task" } }],
  ["no settings", { settings: undefined }],
  ["a loss for another step", { losses: [2.5] }],
  ["a loss that is no number", { losses: [2.5, NaN] }],
  ["no tensors", { snapshot: { state: snapshot.state } }],
  ["no snapshot", { snapshot: undefined }],
  ["a tensor with NaN", { snapshot: { ...snapshot, tensors: new Map([["weight", Float32Array.of(NaN)]]) } }],
])("a damaged run is refused: %s", (_, fields) => {
  expect(() => checkStoredRun({ ...storedRun(run), ...fields }, "digits")).toThrow(/it is damaged/);
});
