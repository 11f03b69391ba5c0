import { readdirSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  attention,
  type HybridLMConfig,
  type HybridLMConfigInput,
  isHybrid,
  mamba2,
  MambaLM,
  mlp,
} from "@mamba/core";
import { describe, expect, test } from "vitest";
import { difference } from "../src/architectures/hybrid/difference.ts";
import { parseConfig } from "../src/architectures/index.ts";
import {
  convertCheckpoint,
  ggufChunks,
  ggufContent,
  type GgufContent,
  type GgufValue,
  inspectCheckpoint,
  loadCheckpoint,
  openGguf,
  openSafetensors,
  saveCheckpoint,
} from "../src/index.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";

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

/** The GGUF file of a golden, with some of its metadata changed. */
async function withMetadata(name: string, changes: Readonly<Record<string, GgufValue>>): Promise<Blob> {
  const file = join(await temporaryFolder(), "model.gguf");
  await convertCheckpoint(join(goldens, name), file);
  await using opened = await openGguf(file);
  const metadata = new Map([...opened.metadata, ...Object.entries(changes)]);
  const tensors: GgufContent["tensors"][number][] = [];
  for (const { name: tensor, dtype, shape } of opened.tensors.values()) {
    const bytes = (await opened.read(tensor)).slice();
    tensors.push({ name: tensor, dtype, shape, chunks: () => [bytes] });
  }
  const chunks: BlobPart[] = [];
  for await (const chunk of ggufChunks({ metadata, tensors })) chunks.push(chunk.slice());
  return new Blob(chunks);
}

const u = (value: number): GgufValue => ({ type: "u32", value });
const list = (...value: number[]): GgufValue => ({ type: "array", items: "i32", value });

test.each<[string, string, Readonly<Record<string, GgufValue>>, string, string]>([
  [
    "lm-granite",
    "too few numbers of heads",
    { "granitehybrid.attention.head_count_kv": list(0, 2) },
    "CONFIG",
    "3 of them",
  ],
  [
    "lm-granite",
    "negative numbers of heads",
    { "granitehybrid.attention.head_count_kv": list(0, -2, 0) },
    "CONFIG",
    "head_count_kv",
  ],
  [
    "lm-granite",
    "other layers of attention",
    { "granitehybrid.attention.head_count_kv": list(2, 0, 0) },
    "MISSING_TENSOR",
    "blk.0.attn_q",
  ],
  [
    "lm-granite",
    "heads that are no divisor",
    { "granitehybrid.ssm.time_step_rank": u(5) },
    "CONFIG",
    "headDim",
  ],
  ["lm-granite", "another inner size", { "granitehybrid.ssm.inner_size": u(64) }, "TENSOR_SHAPE", "ssm_in"],
  ["lm-granite", "too many layers", { "granitehybrid.block_count": u(1e9) }, "CONFIG", "4096"],
  [
    "lm-granite",
    "scaled positions",
    { "granitehybrid.rope.scaling.type": { type: "string", value: "yarn" } },
    "UNSUPPORTED_MODEL",
    "yarn",
  ],
  ["lm-granite-moe", "too many experts", { "granitehybrid.expert_count": u(1e6) }, "CONFIG", "experts"],
  [
    "lm-nemotron-h-moe",
    "groups of experts",
    { "nemotron_h_moe.expert_group_count": u(2) },
    "UNSUPPORTED_MODEL",
    "groups",
  ],
  [
    "lm-nemotron-h",
    "more blocks to skip than there are",
    { "nemotron_h.nextn_predict_layers": u(6) },
    "CONFIG",
    "nextn",
  ],
])("%s with %s is refused", async (name, _, changes, code, words) => {
  const blob = await withMetadata(name, changes);
  const error = await refusal(() => inspectCheckpoint(blob));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

test("blocks at the end of a Nemotron-H that predict further tokens are not read", async () => {
  const blob = await withMetadata("lm-nemotron-h", { "nemotron_h.nextn_predict_layers": u(2) });
  const { config, notes } = await inspectCheckpoint(blob);
  expect(config.nLayers).toBe(4);
  expect(notes).toEqual([expect.stringContaining("predicts further tokens")]);
});

test("an architecture of GGUF refuses what it has no place for", async () => {
  const kernel = hostKernel();
  const models: [HybridLMConfigInput, string][] = [
    [{ ...tiny, layers: [{ mixer: mamba2({ ...block, dtLimit: [0.1, 1] }) }] }, "dtLimit"],
    [{ ...tiny, layers: [{ mixer: mamba2({ ...block, bias: true }) }] }, "in_proj.bias"],
    [{ ...tiny, layers: [{ mixer: mamba2({ ...block, norm: "normFirst" }) }] }, "norm"],
    [{ ...tiny, finalNorm: false, layers: [{ mixer: mamba2(block) }] }, "finalNorm"],
    [
      {
        ...tiny,
        layers: [
          {
            mixer: attention({ dModel: 16, heads: 2, rotary: { theta: 100, dim: 4 } }),
            ffn: mlp({ dModel: 16, dHidden: 8 }),
          },
        ],
      },
      "4 of the 8 channels",
    ],
  ];
  for (const [input, words] of models) {
    using model = MambaLM.init(kernel, input, 7);
    expect(await refusal(() => ggufContent(model))).toMatchObject({
      code: "UNSUPPORTED_MODEL",
      message: expect.stringContaining(words) as string,
    });
  }
});

const tiny = { vocabSize: 96, dModel: 16 };
const block = { dModel: 16, headDim: 8, dState: 8 };

test("a folder keeps generation_config.json with the tokenizer, unless other ids end a text", async () => {
  const folder = await temporaryFolder();
  await cp(join(goldens, "lm-mamba2"), folder, { recursive: true });
  const vocab = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [String.fromCharCode(33 + i), i]));
  const tokenizer = { version: "1.0", added_tokens: [], model: { type: "BPE", vocab, merges: [] } };
  const pre = {
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
    decoder: { type: "ByteLevel" },
  };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify({ ...tokenizer, ...pre }));
  const generation = JSON.stringify({ eos_token_id: [7, 9], temperature: 0.6 });
  await writeFile(join(folder, "generation_config.json"), generation);
  const target = await temporaryFolder();
  await convertCheckpoint(folder, target);
  expect(await readFile(join(target, "generation_config.json"), "utf8")).toBe(generation);

  const kernel = hostKernel();
  const loaded = await loadCheckpoint(kernel, folder);
  expect(loaded.stopIds).toEqual([7, 9]);
  const other = await temporaryFolder();
  await saveCheckpoint(loaded.model, other, { tokenizer: loaded.tokenizer, stopIds: [3] });
  loaded.model.dispose();
  expect(await readdir(other)).not.toContain("generation_config.json");
});
