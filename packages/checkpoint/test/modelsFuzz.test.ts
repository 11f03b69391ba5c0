import { MambaError, SequenceModel, VisionMamba } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { loadModel, modelFiles, type SavedModel } from "../src/index.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { hostKernel } from "./support/hostKernel.ts";

// Whatever a config.json says: it is a model, or a CheckpointError. Nothing else is thrown, and nothing stays allocated.

const block = { dModel: 4, nLayers: 1, dState: 2, dtRank: 1, dConv: 2 } as const;
const kernel = hostKernel();
const saved: readonly SavedModel[] = [
  VisionMamba.init(kernel, { ...block, height: 4, width: 4, channels: 1, patchSize: 2, classes: 2 }),
  SequenceModel.init(kernel, {
    ...block,
    input: { kind: "values", channels: 2 },
    pooling: "none",
    outputs: 2,
  }),
];
const data = [
  { kind: "images", height: 4, width: 4, channels: 1, mean: [0], std: [1], labels: ["a", "b"] },
  { kind: "series", columns: ["a", "b"], targets: ["a"], mean: [0, 1], std: [1, 1], context: 3, horizon: 2 },
] as const;

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(0, -1, 0.5, 2 ** 31, 2 ** 53, 1e308, "none", "values", "__proto__", [], {}, null, true),
);

/** The places in some JSON, as the keys that lead there. */
function placesIn(json: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof json !== "object" || json === null) return [path];
  return [path, ...Object.entries(json).flatMap(([key, value]) => placesIn(value, [...path, key]))];
}

function replaced(json: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const entries = Object.entries(json as object).map(([own, old]: [string, unknown]): [string, unknown] => [
    own,
    own === key ? replaced(old, rest, value) : old,
  ]);
  return Array.isArray(json) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

test("any change of a config.json loads or is a CheckpointError", async () => {
  const cases = await Promise.all(
    saved.map(async (model, i) => {
      const files = await modelFiles(model, { data: data[i] });
      const json = JSON.parse(new TextDecoder().decode(files.get("config.json"))) as unknown;
      return { files, json, places: placesIn(json) };
    }),
  );
  const before = kernel.memory().tensors;
  let loadedCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...cases), fc.nat(), odd, async ({ files, json, places }, at, value) => {
      const changed = replaced(json, places[at % places.length] ?? [], value);
      const config = new TextEncoder().encode(JSON.stringify(changed));
      try {
        const { model } = await loadModel(kernel, new Map([...files, ["config.json", config]]));
        model.dispose();
        loadedCount++;
      } catch (error) {
        if (MambaError.is(error) || !CheckpointError.is(error)) throw error;
      }
      expect(kernel.memory().tensors).toBe(before);
    }),
    fuzzSettings(20_000, 300),
  );
  expect(loadedCount).toBeGreaterThan(0);
});
