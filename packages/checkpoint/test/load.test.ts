import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromFloat32, type HostArray, toFloat32 } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { inspectCheckpoint, loadCheckpoint, type Progress, type TensorToWrite } from "../src/index.ts";
import { f32Tensor, safetensors } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";

const floatsOf = async (tensor: TensorToWrite) => new Float32Array((await tensor.bytes()).slice().buffer);
const rename = (from: string, to: string) => (tensors: TensorToWrite[]) =>
  tensors.map((tensor) => (tensor.name === from ? { ...tensor, name: to } : tensor));

/** Loads a folder and returns its parameters on the host. */
async function loadValues(folder: string, options = {}) {
  const kernel = hostKernel();
  const { model, ...rest } = await loadCheckpoint(kernel, folder, options);
  const values = new Map<string, HostArray>();
  for (const [name, tensor] of model.parameters)
    values.set(name, (await kernel.read(tensor))[0] as HostArray);
  const dtypes = new Map([...model.parameters].map(([name, { dtype }]) => [name, dtype]));
  model.dispose();
  expect(kernel.memory().tensors).toBe(0);
  return { ...rest, values, dtypes };
}

test("every parameter arrives bit by bit, and stale duplicates in the config do not matter", async () => {
  const { values, config, format, tokenizer, noTokenizer, notes } = await loadValues(
    await folderWith(await tinyFiles()),
  );
  expect(config).toMatchObject({
    dModel: 16,
    nLayers: 2,
    dInner: 24,
    dState: 4,
    dConv: 3,
    dtRank: 2,
    vocabSize: 300,
  });
  expect(format).toBe("mamba");
  const written = tensorsOf(tinyInput);
  expect(values.size).toBe(written.length);
  for (const tensor of written) expect(values.get(tensor.name)).toEqual(await floatsOf(tensor));
  expect(tokenizer).toBeUndefined();
  expect(noTokenizer).toContain("nor vocab.json with merges.txt: put the tokenizer.json");
  expect(notes).toEqual([]);
});

test("tensors larger than a chunk arrive whole", async () => {
  const input = { ...tinyInput, vocabSize: 70_001 }; // the table takes 4.5 MB: two chunks, the last one odd in f16
  const folder = await folderWith({
    "config.json": { ...tinyConfig, vocab_size: 70_001 },
    "model.safetensors": await safetensors(tensorsOf(input)),
  });
  const table = await floatsOf(tensorsOf(input)[0] as TensorToWrite);
  const name = "backbone.embeddings.weight";
  expect(sameBytes((await loadValues(folder)).values.get(name), table)).toBe(true);
  const half = await loadValues(folder, { dtype: "f16" });
  expect(sameBytes(half.values.get(name), fromFloat32(table, "f16"))).toBe(true);
});

test.each([
  ["F16", "f16"],
  ["BF16", "bf16"],
] as const)("%s matrices stay as stored; everything else is widened, exactly", async (stored, dtype) => {
  const narrow = await Promise.all(
    tensorsOf(tinyInput).map(async (tensor) => {
      const bits = fromFloat32(await floatsOf(tensor), dtype) as Uint16Array;
      return { ...tensor, dtype: stored, bits, bytes: () => new Uint8Array(bits.buffer) };
    }),
  );
  const folder = await folderWith({
    "config.json": tinyConfig,
    "model.safetensors": await safetensors(narrow),
  });
  const kept = await loadValues(folder);
  const widened = await loadValues(folder, { dtype: "f32" });
  for (const { name, bits } of narrow) {
    const isMatrix = /(_proj|embeddings|lm_head)\.weight$/.test(name);
    expect(kept.dtypes.get(name)).toBe(isMatrix ? dtype : "f32");
    expect(kept.values.get(name)).toEqual(isMatrix ? bits : toFloat32(bits, dtype));
    expect(widened.values.get(name)).toEqual(toFloat32(bits, dtype));
  }
  const kernel = hostKernel(["f32", "i32"]);
  const error = await refusal(() => loadCheckpoint(kernel, folder));
  expect(error).toMatchObject({
    code: "DTYPE",
    message: expect.stringContaining('pass dtype "f32"') as string,
  });
  expect(kernel.memory().tensors).toBe(0);
});

test("an untied head is loaded; a head beside a tied table is left alone, and a note says so", async () => {
  const head = f32Tensor("lm_head.weight", [300, 16], 99);
  const withHead = await tinyFiles((tensors) => [...tensors, head]);
  const tied = await loadValues(await folderWith(withHead));
  expect(tied.values.has("lm_head.weight")).toBe(false);
  expect(tied.notes).toContainEqual(expect.stringContaining("lm_head.weight"));
  const config = { ...tinyConfig, tie_word_embeddings: false };
  const untied = await loadValues(await folderWith({ ...withHead, "config.json": config }));
  expect(untied.values.get("lm_head.weight")).toEqual(await floatsOf(head));
  const error = await refusal(async () => loadValues(await folderWith(await tinyFiles(undefined, config))));
  expect(error).toMatchObject({
    code: "MISSING_TENSOR",
    message: expect.stringContaining("lm_head.weight") as string,
  });
});

test("the original state-spaces form: its names, its padding of the vocabulary, its nested block config", async () => {
  const tensors = rename(
    "backbone.embeddings.weight",
    "backbone.embedding.weight",
  )(tensorsOf({ ...tinyInput, vocabSize: 304, dInner: 32, expand: 2 }));
  const folder = await folderWith({
    "config.json": {
      d_model: 16,
      n_layer: 2,
      vocab_size: 300,
      ssm_cfg: { d_state: 4, d_conv: 3, dt_rank: 2 },
      rms_norm: true,
      pad_vocab_size_multiple: 8,
    },
    "model.safetensors": await safetensors(tensors),
  });
  const { config, format, values } = await loadValues(folder);
  expect(format).toBe("state-spaces");
  expect(config).toMatchObject({ vocabSize: 300, padVocabSizeMultiple: 8, dInner: 32, tieEmbeddings: true });
  expect(values.get("backbone.embeddings.weight")).toHaveLength(304 * 16);
});

test("falcon_mamba has norms without weights", async () => {
  const config = { ...tinyConfig, model_type: "falcon_mamba", mixer_rms_eps: 1e-4 };
  const loaded = await loadValues(await folderWith(await tinyFiles(undefined, config)));
  expect(loaded.config).toMatchObject({ innerNorms: "unweighted", innerNormEps: 1e-4 });
});

test("a missing use_bias is decided by the tensors", async () => {
  const input = { ...tinyInput, bias: true };
  const folder = await folderWith({
    "config.json": tinyConfig,
    "model.safetensors": await safetensors(tensorsOf(input)),
  });
  expect((await loadValues(folder)).config).toMatchObject({ bias: true });
});

test("shards load as one file does", async () => {
  const { index, shards } = await sharded();
  const folder = await folderWith({
    "config.json": tinyConfig,
    "model.safetensors.index.json": index,
    ...shards,
  });
  const { values } = await loadValues(folder);
  for (const tensor of tensorsOf(tinyInput)) expect(values.get(tensor.name)).toEqual(await floatsOf(tensor));
  const summary = await inspectCheckpoint(folder);
  expect(summary.files).toEqual(Object.keys(shards));
});

test("inspecting reports the config, the tensors and their sizes", async () => {
  const folder = await folderWith(await tinyFiles());
  const summary = await inspectCheckpoint(folder);
  const count = tensorsOf(tinyInput).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(summary).toMatchObject({
    label: folder,
    format: "mamba",
    parameterCount: count,
    weightBytes: count * 4,
  });
  const conv = summary.tensors.find(({ name }) => name.endsWith("0.mixer.conv1d.weight"));
  expect(conv).toMatchObject({
    dtype: "F32",
    shape: [24, 1, 3],
    byteLength: 24 * 3 * 4,
    file: "model.safetensors",
  });
});

test("progress ends at the total; an aborted load leaves nothing behind", async () => {
  const folder = await folderWith(await tinyFiles());
  const seen: Progress[] = [];
  await loadValues(folder, { onProgress: (progress: Progress) => seen.push(progress) });
  expect(seen.at(-1)?.doneBytes).toBe(seen.at(-1)?.totalBytes);
  expect(seen.every(({ phase, file }) => phase === "load" && file === "model.safetensors")).toBe(true);

  const kernel = hostKernel();
  const controller = new AbortController();
  const stopped = loadCheckpoint(kernel, folder, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("enough")),
  });
  await expect(stopped).rejects.toThrow("enough");
  expect(kernel.memory().tensors).toBe(0);
});

const big = { ...tinyConfig, vocab_size: 2 ** 24, hidden_size: 2 ** 20, intermediate_size: 2 ** 20 };
test.each<[string, () => Promise<Record<string, unknown>>, string, string]>([
  [
    "no config",
    async () => ({ "model.safetensors": (await tinyFiles())["model.safetensors"] }),
    "NOT_FOUND",
    "config.json",
  ],
  [
    "no weights",
    () => Promise.resolve({ "config.json": tinyConfig }),
    "NO_WEIGHTS",
    "one of model.safetensors",
  ],
  [
    "a pickle that is cut off",
    () => Promise.resolve({ "config.json": tinyConfig, "pytorch_model.bin": "PK\x03\x04" }),
    "TRUNCATED",
    "pytorch_model.bin",
  ],
  [
    "a missing tensor",
    () => tinyFiles((t) => t.slice(1)),
    "MISSING_TENSOR",
    "backbone.embeddings.weight [300, 16]",
  ],
  ["an extra tensor", () => tinyFiles((t) => [...t, f32Tensor("evil", [2])]), "EXTRA_TENSOR", '"evil"'],
  [
    "a tensor of another shape",
    () => tinyFiles((t) => [f32Tensor("backbone.embeddings.weight", [299, 16]), ...t.slice(1)]),
    "TENSOR_SHAPE",
    "must be [300, 16] by the config, got [299, 16]",
  ],
  [
    "a tensor of the wrong type",
    () =>
      tinyFiles((t) => t.map((x) => (x.name.endsWith("0.mixer.D") ? { ...x, dtype: "I32" as const } : x))),
    "DTYPE",
    "mixer.D",
  ],
  ["a table larger than the file", () => tinyFiles(undefined, big), "TENSOR_SHAPE", "[16777216, 1048576]"],
  [
    "zamba2",
    () => tinyFiles(undefined, { ...tinyConfig, model_type: "zamba2" }),
    "UNSUPPORTED_MODEL",
    "granitemoehybrid",
  ],
  [
    "llama",
    () => tinyFiles(undefined, { ...tinyConfig, model_type: "llama" }),
    "UNSUPPORTED_MODEL",
    '"llama"',
  ],
  ["a config that says nothing", () => tinyFiles(undefined, {}), "CONFIG", "neither model_type nor d_model"],
  ["no hidden_size", () => tinyFiles(undefined, { model_type: "mamba" }), "CONFIG", "hidden_size is missing"],
  [
    "a fractional size",
    () => tinyFiles(undefined, { ...tinyConfig, hidden_size: 1.5 }),
    "CONFIG",
    "hidden_size",
  ],
  [
    "a negative size",
    () => tinyFiles(undefined, { ...tinyConfig, num_hidden_layers: -1 }),
    "CONFIG",
    "got -1",
  ],
  ["a size in a string", () => tinyFiles(undefined, { ...tinyConfig, state_size: "4" }), "CONFIG", 'got "4"'],
  [
    "an absurd layer count",
    () => tinyFiles(undefined, { ...tinyConfig, num_hidden_layers: 1e9 }),
    "CONFIG",
    "nLayers",
  ],
  [
    "another activation",
    () => tinyFiles(undefined, { ...tinyConfig, hidden_act: "gelu" }),
    "CONFIG",
    '"gelu"',
  ],
  [
    "an epsilon of NaN",
    async () => ({ ...(await tinyFiles()), "config.json": jsonWith("layer_norm_epsilon", "NaN") }),
    "CONFIG",
    "got NaN",
  ],
  [
    "a repeated key",
    async () => ({ ...(await tinyFiles()), "config.json": jsonWith("hidden_size", "16") }),
    "DUPLICATE_KEY",
    "hidden_size",
  ],
  [
    "a config of 2 MB",
    async () => ({ ...(await tinyFiles()), "config.json": " ".repeat(2 ** 21) }),
    "TOO_LARGE",
    "config.json",
  ],
  [
    "a broken tokenizer",
    async () => ({ ...(await tinyFiles()), "tokenizer.json": { model: {} } }),
    "TOKENIZER",
    "model.vocab must be an object",
  ],
  [
    "a tokenizer with huge ids",
    async () => ({
      ...(await tinyFiles()),
      "tokenizer.json": { added_tokens: [{ content: "a", id: 2 ** 40 }] },
    }),
    "TOKENIZER",
    "below 2^22",
  ],
])("refuses %s", async (_, files, code, words) => {
  const folder = await folderWith(await files());
  const kernel = hostKernel();
  const error = await refusal(() => loadCheckpoint(kernel, folder));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  expect(kernel.memory().tensors).toBe(0);
});

test("Infinity in a config is fine where it does not matter", async () => {
  const text = JSON.stringify({ ...tinyConfig, time_step_limit: undefined }).replace(
    "{",
    '{"time_step_limit": [0, Infinity], ',
  );
  expect(
    (await loadValues(await folderWith({ ...(await tinyFiles()), "config.json": text }))).config.dModel,
  ).toBe(16);
});

test.each<[string, (map: Record<string, unknown>) => unknown, string]>([
  [
    "points outside the folder",
    (map) => ({ ...map, "backbone.norm_f.weight": "../evil.safetensors" }),
    "PATH",
  ],
  ["has an absolute path", (map) => ({ ...map, "backbone.norm_f.weight": "/etc/passwd" }), "PATH"],
  ["has a Windows path", (map) => ({ ...map, "backbone.norm_f.weight": "C:\\evil.safetensors" }), "PATH"],
  ["names a hidden file", (map) => ({ ...map, "backbone.norm_f.weight": ".evil.safetensors" }), "PATH"],
  ["names a pickle", (map) => ({ ...map, "backbone.norm_f.weight": "pytorch_model.bin" }), "INDEX"],
  ["names a missing shard", (map) => ({ ...map, "backbone.norm_f.weight": "c.safetensors" }), "INDEX"],
  ["names the wrong shard", (map) => swap(map), "INDEX"],
  ["lists a tensor that no shard has", (map) => ({ ...map, ghost: "a.safetensors" }), "INDEX"],
  ["leaves out a tensor", ({ "backbone.norm_f.weight": _, ...map }) => map, "INDEX"],
  ["names a number", (map) => ({ ...map, "backbone.norm_f.weight": 5 }), "INDEX"],
  ["is empty", () => ({}), "INDEX"],
  ["is a list", () => [], "INDEX"],
])("refuses an index that %s", async (_, change, code) => {
  const { index, shards } = await sharded();
  const folder = await folderWith({
    "config.json": tinyConfig,
    "model.safetensors.index.json": { weight_map: change(index.weight_map) },
    ...shards,
  });
  expect(await refusal(() => loadCheckpoint(hostKernel(), folder))).toMatchObject({ code });
});

test("symbolic links are followed inside the folder and inside the hub's cache only", async () => {
  const files = await tinyFiles();
  const outside = await folderWith(files);
  const folder = await folderWith({ "config.json": tinyConfig });
  await symlink(join(outside, "model.safetensors"), join(folder, "model.safetensors"));
  const error = await refusal(() => loadCheckpoint(hostKernel(), folder));
  expect(error).toMatchObject({
    code: "PATH",
    message: expect.stringContaining("points outside its folder") as string,
  });

  const inside = await folderWith({ "config.json": tinyConfig });
  await writeFile(join(inside, "weights"), await readFile(join(outside, "model.safetensors")));
  await symlink("weights", join(inside, "model.safetensors"));
  expect((await loadValues(inside)).config.dModel).toBe(16);
});

const noMkfifo = spawnSync("mkfifo", ["--version"]).error !== undefined;

test.skipIf(noMkfifo)(
  `a pipe in place of a file is refused${noMkfifo ? " (there is no mkfifo)" : ""}`,
  async () => {
    const odd = await folderWith({ "config.json": tinyConfig });
    spawnSync("mkfifo", [join(odd, "model.safetensors")]);
    expect(await refusal(() => loadCheckpoint(hostKernel(), odd))).toMatchObject({ code: "IO" });
  },
);

test("a file, a missing folder and a folder in place of a file are refused", async () => {
  const folder = await temporaryFolder();
  const odd = await folderWith({ "config.json": tinyConfig });
  await rm(join(odd, "config.json"));
  await mkdir(join(odd, "config.json"));
  expect(await refusal(() => loadCheckpoint(hostKernel(), odd))).toMatchObject({ code: "IO" });
  await writeFile(join(folder, "file"), "");
  expect(await refusal(() => loadCheckpoint(hostKernel(), join(folder, "file")))).toMatchObject({
    code: "NOT_FOUND",
  });
  const missing = await refusal(() => loadCheckpoint(hostKernel(), "./no/such/folder"));
  expect(missing).toMatchObject({
    code: "NOT_FOUND",
    message: expect.stringContaining("neither a folder nor") as string,
  });
});

async function sharded() {
  const tensors = tensorsOf(tinyInput);
  const half = Math.floor(tensors.length / 2);
  const weight_map = Object.fromEntries(
    tensors.map(({ name }, i) => [name, i < half ? "a.safetensors" : "b.safetensors"] as const),
  );
  const shards = {
    "a.safetensors": await safetensors(tensors.slice(0, half)),
    "b.safetensors": await safetensors(tensors.slice(half)),
  };
  return { index: { metadata: { total_size: 1 }, weight_map }, shards };
}

/** `toEqual` takes seconds for millions of elements. */
function sameBytes(a: HostArray | undefined, b: HostArray): boolean {
  const bytes = (x: HostArray) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return a !== undefined && a.constructor === b.constructor && bytes(a).equals(bytes(b));
}

function swap(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(map).map(([name, shard]) => [
      name,
      shard === "a.safetensors" ? "b.safetensors" : "a.safetensors",
    ]),
  );
}

/** tinyConfig with one more field, which JSON.stringify could not write. */
function jsonWith(key: string, value: string): string {
  const { layer_norm_epsilon: _, ...rest } = tinyConfig;
  return JSON.stringify(rest).replace(/}$/, `, "${key}": ${value}}`);
}

describe("names that are not the usual ones", () => {
  const renamed = (change: (name: string) => string) => (tensors: TensorToWrite[]) =>
    tensors.map((tensor) => ({ ...tensor, name: change(tensor.name) }));

  test.each<[string, (name: string) => string]>([
    ["model.", (name) => `model.${name}`],
    ["module.", (name) => `module.${name}`],
    ["_orig_mod.", (name) => `_orig_mod.${name}`],
    ["_orig_mod.module.", (name) => `_orig_mod.module.${name}`],
    ["a backbone saved alone", (name) => name.replace("backbone.", "")],
    ["a backbone in `model.`", (name) => name.replace("backbone.", "model.")],
    ["compiled layers", (name) => name.replace(/layers\.(\d+)\./, "layers.$1._orig_mod.")],
  ])("%s: the weights load, and a note says so", async (_, change) => {
    const untied = { ...tinyConfig, tie_word_embeddings: false };
    const tensors = [...tensorsOf(tinyInput), f32Tensor("lm_head.weight", [300, 16], 77)];
    const folder = await folderWith({
      "config.json": untied,
      "model.safetensors": await safetensors(renamed(change)(tensors)),
    });
    const { values, notes } = await loadValues(folder);
    for (const tensor of tensors) expect(values.get(tensor.name)).toEqual(await floatsOf(tensor));
    expect(notes).toContainEqual(expect.stringContaining("the names of the file are not the usual ones"));
  });

  test("the usual names give no note; two tensors for one parameter are refused", async () => {
    const folder = await folderWith(await tinyFiles());
    expect((await loadValues(folder)).notes.join()).not.toContain("usual");
    const twice = (tensors: TensorToWrite[]) => [...tensors, f32Tensor("model.backbone.norm_f.weight", [16])];
    expect(await refusal(async () => loadValues(await folderWith(await tinyFiles(twice))))).toMatchObject({
      code: "EXTRA_TENSOR",
      message: expect.stringContaining('"model.backbone.norm_f.weight"') as string,
    });
  });

  test.each([
    ["backbone.layers.1.mixer.in_projj.weight", "backbone.layers.1.mixer.in_proj.weight"],
    ["encoder.blocks.1.mixer.in_proj.weight", "backbone.layers.1.mixer.in_proj.weight"],
  ])("%s: the error names it as the likeliest", async (name, missing) => {
    const folder = await folderWith(await tinyFiles(rename(missing, name)));
    expect(await refusal(() => loadValues(folder))).toMatchObject({
      code: "MISSING_TENSOR",
      message: expect.stringContaining(
        `requires ${missing} [48, 16], which is missing; the likeliest in the file is "${name}" [48, 16]`,
      ) as string,
    });
  });

  test("the convolution may have its channel axis last, as MLX writes it", async () => {
    const moved = (tensors: TensorToWrite[]) =>
      tensors.map((tensor) => {
        const [channels = 0, , width = 0] = tensor.shape;
        return tensor.name.endsWith("conv1d.weight") ? { ...tensor, shape: [channels, width, 1] } : tensor;
      });
    const { values } = await loadValues(await folderWith(await tinyFiles(moved)));
    for (const tensor of tensorsOf(tinyInput))
      expect(values.get(tensor.name)).toEqual(await floatsOf(tensor));
  });
});

test("files may begin with a byte order mark", async () => {
  const files = await tinyFiles();
  const folder = await folderWith({
    ...files,
    "config.json": `\ufeff${JSON.stringify(files["config.json"])}`,
  });
  expect((await loadValues(folder)).config.dModel).toBe(16);
});

test("names from files cannot send commands to a terminal", async () => {
  const hostile = "evil\u001b]0;title\u0007\u009b2J\u202e";
  const folder = await folderWith(await tinyFiles((all) => [...all, f32Tensor(hostile, [1])]));
  const { message } = await refusal(() => loadValues(folder));
  expect(message).toContain("evil\\u001b]0;title\\u0007\\u009b2J\\u202e");
  // eslint-disable-next-line no-control-regex -- these are looked for
  expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});
