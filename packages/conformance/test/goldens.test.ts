import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type GoldenName, goldenNames, loadGolden, nmse } from "../src/index.ts";
import { block } from "./block.ts";

const folder = fileURLToPath(new URL("../goldens/", import.meta.url));

describe("block goldens from PyTorch agree with the float64 reference", () => {
  for (const name of goldenNames.filter((name: GoldenName) => /^(block|bidirectional)/.test(name))) {
    test(name, () => {
      const golden = loadGolden(name);
      const found = block(golden);
      for (const output of golden.meta.outputs) {
        expect(nmse(found[output] ?? [NaN], golden.tensors[output]?.data ?? [NaN]), output).toBeLessThan(
          1e-13,
        );
      }
    });
  }

  test("and the gradient goldens have one for every parameter", () => {
    for (const name of goldenNames.filter((name) => name.startsWith("block-backward"))) {
      const { tensors, meta } = loadGolden(name);
      const parameters = Object.keys(tensors).filter((key) => key !== "dy" && !meta.outputs.includes(key));
      expect([...meta.outputs].sort()).toEqual(["y", ...parameters.map((key) => `d_${key}`)].sort());
    }
  });
});

test("goldens differ where their options do", () => {
  const y = (name: GoldenName) => loadGolden(name).tensors["y"]?.data ?? new Float32Array();
  expect(
    nmse(
      y("bidirectional-divided"),
      y("bidirectional").map((value) => value / 2),
    ),
  ).toBeLessThan(1e-13);
  expect(nmse(y("scan-range"), y("scan-full"))).toBeGreaterThan(0.01);
});

describe("checkpoint goldens", () => {
  const models = readdirSync(folder).filter((name) => name.startsWith("lm-")); // the adapters have tests of their own

  test("are all there", () => {
    const bases = ["lm-falcon", "lm-tied", "lm-untied"];
    const hybrids = [
      ...["mamba2", "mamba2-groups"],
      ...["granite", "granite-attention", "granite-moe"],
      ...["falcon-h1", "falcon-h1-norm"],
      ...["nemotron-h", "nemotron-h-moe", "nemotron-h-latent"],
      ...["jamba", "jamba-moe"],
    ].map((name) => `lm-${name}`);
    const stored = bases.flatMap((base) => [base, `${base}-bf16`, `${base}-f16`]);
    expect(models.sort()).toEqual([...stored, ...hybrids].sort());
  });

  test.each(models)("%s has a config, weights and answers that fit together", (model) => {
    // Configs of Mamba-2 hold Infinity, which JSON has not.
    const json = (file: string) =>
      JSON.parse(readFileSync(`${folder}${model}/${file}`, "utf8").replaceAll("Infinity", "null")) as unknown;
    const config = json("config.json") as {
      vocab_size: number;
      torch_dtype: string;
      tie_word_embeddings: boolean;
    };
    const weights = header(`${folder}${model}/model.safetensors`);
    const stored = { float32: "F32", float16: "F16", bfloat16: "BF16" }[config.torch_dtype];
    expect(new Set(Object.values(weights).map(({ dtype }) => dtype))).toEqual(new Set([stored]));
    const table = weights["backbone.embeddings.weight"] ?? weights["model.embed_tokens.weight"];
    expect(table?.shape[0]).toBe(config.vocab_size);
    expect("lm_head.weight" in weights).toBe(!config.tie_word_embeddings);
    const logits = header(`${folder}${model}/expected.safetensors`);
    const { prompts } = json("expected.json") as {
      prompts: { promptIds: number[]; greedyIds: number[]; logits: string }[];
    };
    expect(prompts).toHaveLength(2);
    for (const { promptIds, greedyIds, logits: name } of prompts) {
      expect(greedyIds).toHaveLength(20);
      expect(logits[name]?.shape).toEqual([promptIds.length + 19, config.vocab_size]);
    }
  });

  test("stay small with all other goldens", () => {
    const files = [folder, fileURLToPath(new URL("../src/goldens/", import.meta.url))].flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: "utf8" }).map((file) => statSync(root + file)),
    );
    expect(files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)).toBeLessThan(4_000_000);
  });
});

/** The JSON header of a safetensors file. */
function header(file: string): Record<string, { dtype: string; shape: number[] }> {
  const bytes = readFileSync(file);
  const { __metadata__: _, ...tensors } = JSON.parse(
    bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString(),
  ) as Record<string, { dtype: string; shape: number[] }>;
  return tensors;
}
