import { parameterSpecs } from "@mamba/core";
import { bytesSource } from "@mamba/core/safetensors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../src/index.ts";
import { CheckpointError } from "../src/errors.ts";
import { load } from "../src/load.ts";
import { parseIndex } from "../src/formats/shardIndex.ts";
import { type CheckpointFiles, isPlainFileName } from "../src/sources/source.ts";
import { safetensors } from "./support/files.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";
import { contentOf } from "./support/server.ts";

// Headers alone are fuzzed beside the reader. Here: configs, indices, and whole checkpoints.

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    0,
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    1e308,
    NaN,
    Infinity,
    "auto",
    "__proto__",
    [],
    {},
    null,
    true,
  ),
);
const fields = [
  ...Object.keys(tinyConfig),
  "use_bias",
  "tie_word_embeddings",
  "eos_token_id",
  "mamba_ts",
  "ssm_cfg",
];

/** A config with some fields replaced or gone, as Python would write it: with NaN and Infinity. */
const configs = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...fields), odd, { maxKeys: 4 }),
    fc.subarray(fields, { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([changes, gone, original]) => {
    const base = original
      ? { d_model: 16, n_layer: 2, vocab_size: 300, ssm_cfg: { d_state: 4 } }
      : tinyConfig;
    const config = { ...base, ...changes };
    return pythonJson(Object.fromEntries(Object.entries(config).filter(([key]) => !gone.includes(key))));
  });

test("a config is a model of bounded size or a CheckpointError", () => {
  fc.assert(
    fc.property(configs, (text) => {
      const parsed = orRefusal(() => parseConfig(contentOf(text)));
      if (!parsed) return;
      const { nLayers, dModel, vocabSize } = parsed.config;
      expect(nLayers).toBeLessThanOrEqual(4096);
      expect(Number.isSafeInteger(dModel * vocabSize)).toBe(true);
      expect(
        parameterSpecs({ ...parsed.config, nLayers: 1 }).every(({ shape }) => shape.every((n) => n >= 1)),
      ).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("an index leads to plain names in its folder or is a CheckpointError", () => {
  const name = fc.oneof(
    fc.constantFrom(
      "a.safetensors",
      "../a.safetensors",
      "/a.safetensors",
      "a/b.safetensors",
      "a.bin",
      ".",
      "..",
      "",
    ),
    fc.string({ unit: "binary" }).map((text) => `${text}.safetensors`),
    odd,
  );
  const index = fc.oneof(fc.record({ weight_map: fc.oneof(fc.dictionary(fc.string(), name), odd) }), odd);
  fc.assert(
    fc.property(index, (json) => {
      const shards = orRefusal(() => parseIndex(contentOf(pythonJson(json)), "index", ".safetensors"));
      for (const shard of shards?.values() ?? []) {
        expect(isPlainFileName(shard)).toBe(true);
        expect(shard).not.toMatch(/[/\\]|^\./);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a damaged checkpoint loads, or is a CheckpointError and leaves no tensors", async () => {
  const weights = await safetensors(tensorsOf(tinyInput));
  const whole = { ...(await tinyFiles()), "model.safetensors": weights };
  const damage = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      configs,
      fc.boolean(),
      fc.array(damage, { maxLength: 3 }),
      async (config, keep, hits) => {
        const copy = new Uint8Array(weights);
        for (const { at, byte } of hits) copy[at % 4096] = byte;
        const kernel = hostKernel();
        const files = inMemory({
          ...whole,
          "model.safetensors": copy,
          ...(!keep && { "config.json": config }),
        });
        try {
          (await load(kernel, files, {})).model.dispose();
        } catch (error) {
          if (!CheckpointError.is(error)) throw error;
        }
        expect(kernel.memory().tensors).toBe(0);
      },
    ),
    { numRuns: 400 },
  );
});

function inMemory(files: Record<string, unknown>): CheckpointFiles {
  return {
    label: "memory",
    open: (name) =>
      Promise.resolve(files[name] === undefined ? undefined : bytesSource(contentOf(files[name]), name)),
  };
}

function orRefusal<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!CheckpointError.is(error)) throw error;
    return undefined;
  }
}

/** JSON as Python's `json.dumps` writes it. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`)
      .join(", ")}}`;
  }
  return typeof value === "number" ? String(value).replace("e+", "e") : (JSON.stringify(value) ?? "null");
}
