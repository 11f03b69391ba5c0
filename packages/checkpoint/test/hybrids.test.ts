import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type HybridLMConfig, isHybrid } from "@mamba/core";
import { describe, expect, test } from "vitest";
import { difference } from "../src/architectures/hybrid/difference.ts";
import { parseConfig } from "../src/architectures/index.ts";
import { convertCheckpoint, inspectCheckpoint, openGguf, openSafetensors } from "../src/index.ts";
import { temporaryFolder } from "./support/folders.ts";

// Every golden checkpoint of Mamba-2 and of hybrids, from files to files.

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
const folders = readdirSync(goldens).filter((name) =>
  /^lm-(?:mamba2|granite|falcon-h1|nemotron|jamba)/.test(name),
);

/** The values of all tensors of a folder, by their names. */
async function valuesOf(folder: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys())
    values.set(name, new Float32Array((await file.read(name)).slice().buffer));
  return values;
}

/** The largest difference of two sets of tensors with the same names, relative to the largest value of each. */
function largestDifference(
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, Float32Array>,
): number {
  expect([...b.keys()].sort()).toEqual([...a.keys()].sort());
  let worst = 0;
  for (const [name, values] of a) {
    const others = b.get(name) ?? new Float32Array();
    expect(others, name).toHaveLength(values.length);
    const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30);
    for (const [i, value] of values.entries())
      worst = Math.max(worst, Math.abs(value - (others[i] ?? NaN)) / scale);
  }
  return worst;
}

async function modelOf(folder: string): Promise<HybridLMConfig> {
  const { config } = parseConfig(await readFile(join(folder, "config.json")));
  if (!isHybrid(config)) throw new Error(`${folder} has no list of layers`);
  return config;
}

describe.each(folders)("%s", (name) => {
  const folder = join(goldens, name);

  test("is written with the same bytes, and the config of the same model", async () => {
    const target = await temporaryFolder();
    const { notes } = await convertCheckpoint(folder, target);
    expect(notes).toEqual([]);
    expect((await inspectCheckpoint(target)).format).toBe((await inspectCheckpoint(folder)).format);
    expect(difference(await modelOf(folder), await modelOf(target))).toBeUndefined();
    expect(largestDifference(await valuesOf(folder), await valuesOf(target))).toBe(0);
  });

  test("is the same model in a GGUF file", async () => {
    const file = join(await temporaryFolder(), "model.gguf");
    const { notes } = await convertCheckpoint(folder, file);
    const hasTwoFactors = name === "lm-falcon-h1-norm"; // its table is also its head
    const expected = ["no tokenizer", ...(hasTwoFactors ? ["has the table twice"] : [])];
    expect(notes).toEqual(expected.map((words) => expect.stringContaining(words) as string));
    const target = await temporaryFolder();
    await convertCheckpoint(file, target);
    const { format } = await inspectCheckpoint(folder);
    expect((await inspectCheckpoint(target)).format).toBe(format);
    if (format !== "falcon_h1") {
      expect(difference(await modelOf(folder), await modelOf(target), 1e-6)).toBeUndefined();
      // A_log is stored as -exp(A_log), and has the last bits of its logarithm.
      expect(largestDifference(await valuesOf(folder), await valuesOf(target))).toBeLessThan(2e-7);
    }
    // The factors are in the weights, and stay there.
    const again = join(await temporaryFolder(), "again.gguf");
    await convertCheckpoint(target, again);
    await using first = await openGguf(file);
    await using second = await openGguf(again);
    expect([...second.metadata]).toEqual([...first.metadata]);
    expect(largestDifference(await ggufValues(file), await ggufValues(again))).toBeLessThan(2e-7);
  });
});

/** The values of all tensors of a GGUF file in f32. */
async function ggufValues(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using file = await openGguf(path);
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys())
    values.set(name, new Float32Array((await file.read(name)).slice().buffer));
  return values;
}

test("the factors of Falcon-H1 are in the weights of a GGUF file", async () => {
  const folder = join(goldens, "lm-falcon-h1");
  const file = join(await temporaryFolder(), "model.gguf");
  await convertCheckpoint(folder, file);
  const [hub, gguf] = [await valuesOf(folder), await ggufValues(file)];
  const json = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, number> & {
    readonly ssm_multipliers: readonly number[];
    readonly mlp_multipliers: readonly number[];
  };
  const { ssm_multipliers: ssm, mlp_multipliers: mlp } = json;
  const factor = (key: string) => json[key] ?? NaN;
  const layer = "model.layers.1.";
  const ratio = (from: string, to: string, at = 0) =>
    (gguf.get(to)?.[at] ?? NaN) / (hub.get(from)?.[at] ?? NaN);
  const near = (value: number, expected: number) => expect(value / expected).toBeCloseTo(1, 6);
  near(ratio("model.embed_tokens.weight", "token_embd.weight"), factor("embedding_multiplier"));
  near(ratio("lm_head.weight", "output.weight"), factor("lm_head_multiplier"));
  const inProj = [`${layer}mamba.in_proj.weight`, "blk.1.ssm_in.weight"] as const;
  // The first rows of z, x, B, C and dt: 24 channels and 8 numbers of a state, in rows of 16.
  for (const [i, row] of [0, 24, 48, 56, 64].entries())
    near(ratio(...inProj, row * 16), factor("ssm_in_multiplier") * (ssm[i] ?? NaN));
  near(ratio(`${layer}mamba.out_proj.weight`, "blk.1.ssm_out.weight"), factor("ssm_out_multiplier"));
  const attentionIn = factor("attention_in_multiplier");
  near(
    ratio(`${layer}self_attn.k_proj.weight`, "blk.1.attn_k.weight") *
      ratio(`${layer}self_attn.q_proj.weight`, "blk.1.attn_q.weight"),
    attentionIn * attentionIn * factor("key_multiplier"),
  );
  near(
    ratio(`${layer}self_attn.o_proj.weight`, "blk.1.attn_output.weight") *
      ratio(`${layer}self_attn.v_proj.weight`, "blk.1.attn_v.weight"),
    attentionIn * factor("attention_out_multiplier"),
  );
  near(ratio(`${layer}feed_forward.gate_proj.weight`, "blk.1.ffn_gate.weight"), mlp[0] ?? NaN);
  near(ratio(`${layer}feed_forward.down_proj.weight`, "blk.1.ffn_down.weight"), mlp[1] ?? NaN);
});

test("rows of queries and keys of Granite are interleaved in a GGUF file, quantised or not", async () => {
  const folder = join(goldens, "lm-granite-attention");
  const file = join(await temporaryFolder(), "model.gguf");
  await convertCheckpoint(folder, file);
  const hub = (await valuesOf(folder)).get("model.layers.0.self_attn.k_proj.weight") ?? new Float32Array();
  const gguf = (await ggufValues(file)).get("blk.0.attn_k.weight") ?? new Float32Array();
  // Two heads of four rows: 0 1 2 3 are 0 2 1 3.
  const rows = [0, 2, 1, 3, 4, 6, 5, 7].flatMap((row) => [...hub.subarray(row * 16, row * 16 + 16)]);
  expect([...gguf]).toEqual(rows);
});
