import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Golden, type GoldenName, goldenNames, loadGolden, nmse, reference } from "../src/index.ts";

const folder = fileURLToPath(new URL("../goldens/", import.meta.url));

/** Sizes of a block golden. */
interface Sizes {
  dInner: number;
  dState: number;
  dConv: number;
  dtRank: number;
}

/** Columns [start, start + count) of rows of `width`. */
function columns(data: Float64Array, width: number, start: number, count: number): Float64Array {
  return Float64Array.from(
    { length: (data.length / width) * count },
    (_, i) => data[Math.floor(i / count) * width + start + (i % count)] as number,
  );
}

/** One direction of a block in the float64 reference, from x|z to the gated output. */
function direction(
  golden: Golden,
  x: Float64Array,
  z: Float64Array,
  [B, L]: [number, number],
  suffix: "" | "_b",
) {
  const { dInner: E, dState: N, dConv: W, dtRank: R } = golden.meta as unknown as Sizes;
  const get = (name: string) => golden.tensors[name]?.data ?? new Float32Array();
  const conv = reference.causalConv1d(B, L, E, W, {
    x,
    weight: get(`conv1d${suffix}.weight`),
    bias: get(`conv1d${suffix}.bias`),
    activation: "silu",
  });
  const wide = reference.linear(B * L, E, R + 2 * N, conv.y, get(`x_proj${suffix}.weight`));
  const { innerNorms, innerNormsEps } = golden.meta as { innerNorms?: string; innerNormsEps?: number };
  const part = (start: number, size: number, name: string) => {
    const values = columns(wide, R + 2 * N, start, size);
    if (innerNorms !== "jamba" && innerNorms !== "falcon") return values;
    const weight = innerNorms === "jamba" ? get(`${name}_layernorm.weight`) : undefined;
    return reference.rmsNorm(B * L, size, values, weight, innerNormsEps ?? NaN);
  };
  const delta = reference.linear(B * L, R, E, part(0, R, "dt"), get(`dt_proj${suffix}.weight`));
  const scan = reference.selectiveScan(B, L, E, N, {
    u: conv.y,
    delta,
    A: reference.negExp(get(suffix ? "A_b_log" : "A_log")),
    B: part(R, N, "b"),
    C: part(R + N, N, "c"),
    D: get(suffix ? "D_b" : "D"),
    z,
    deltaBias: get(`dt_proj${suffix}.bias`),
    deltaSoftplus: true,
  });
  return { y: scan.y, convInputs: conv.finalState, state: scan.finalState };
}

/** The whole block, one-directional or bidirectional. */
function block(golden: Golden): Record<string, Float64Array> {
  const { tensors, meta } = golden;
  const E = meta["dInner"] as number;
  const [B = 0, L = 0, M = 0] = tensors["x"]?.shape ?? [];
  const get = (name: string) => tensors[name]?.data ?? new Float32Array();
  const xz = reference.linear(
    B * L,
    M,
    2 * E,
    get("x"),
    get("in_proj.weight"),
    tensors["in_proj.bias"]?.data,
  );
  const [x, z] = [columns(xz, 2 * E, 0, E), columns(xz, 2 * E, E, E)];
  const forward = direction(golden, x, z, [B, L], "");
  let { y } = forward;
  if ("divideOutput" in meta) {
    const flip = (data: Float64Array) => reference.flip(B, L, E, data);
    const backward = direction(golden, flip(x), flip(z), [B, L], "_b");
    y = reference.scale(reference.add(y, flip(backward.y)), meta["divideOutput"] ? 0.5 : 1);
  }
  return {
    ...forward,
    y: reference.linear(B * L, E, M, y, get("out_proj.weight"), tensors["out_proj.bias"]?.data),
  };
}

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
  const models = readdirSync(folder);

  test("are all there", () => {
    const bases = ["lm-falcon", "lm-tied", "lm-untied"];
    expect(models.sort()).toEqual(bases.flatMap((base) => [base, `${base}-bf16`, `${base}-f16`]));
  });

  test.each(models)("%s has a config, weights and answers that fit together", (model) => {
    const json = (file: string) => JSON.parse(readFileSync(`${folder}${model}/${file}`, "utf8")) as unknown;
    const config = json("config.json") as {
      vocab_size: number;
      torch_dtype: string;
      tie_word_embeddings: boolean;
    };
    const weights = header(`${folder}${model}/model.safetensors`);
    const stored = { float32: "F32", float16: "F16", bfloat16: "BF16" }[config.torch_dtype];
    expect(new Set(Object.values(weights).map(({ dtype }) => dtype))).toEqual(new Set([stored]));
    expect(weights["backbone.embeddings.weight"]?.shape[0]).toBe(config.vocab_size);
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
    expect(files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)).toBeLessThan(1_500_000);
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
