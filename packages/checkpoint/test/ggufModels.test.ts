import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildGgufHeader, GGMLQuantizationType, gguf, GGUFValueType } from "@huggingface/gguf";
import { byteTokenizer, LoraAdapter, MambaLM, type MambaLMConfigInput, resolveLMConfig } from "@mamba/core";
import { type Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { describe, expect, test } from "vitest";
import {
  blobFiles,
  ggufContent,
  type GgufFileType,
  ggufTypeOf,
  ggufTypes,
  type GgufValue,
  loadCheckpoint,
  openGguf,
  saveGguf,
  writeGguf,
} from "../src/index.ts";
import { bytesSource } from "@mamba/core/safetensors";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { entry, f32, rawGguf, string, tensor, u32 } from "./support/ggufBytes.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { small, odd, valuesOf, isSame, bytesOf, text } from "./support/ggufModelFiles.ts";

test.each<[string, MambaLMConfigInput]>([
  ["a tied model", small],
  ["an own head", { ...small, tieEmbeddings: false }],
  ["Falcon's norms", { ...small, innerNorms: "unweighted", innerNormEps: 1e-5 }],
  ["Falcon's norms with an epsilon of their own", { ...small, innerNorms: "unweighted", innerNormEps: 1e-6 }],
  ["other sizes and a padded vocabulary", odd],
])(
  "%s: what is saved as f32 loads again, config and bits, but for the last bit of A_log",
  async (_, input) => {
    const kernel = hostKernel();
    const path = join(await temporaryFolder(), "new", "model.gguf");
    using model = MambaLM.init(kernel, input, 7);
    const { notes } = await saveGguf(model, path, { tokenizer: byteTokenizer(input.vocabSize, [10]) });
    expect(notes).toHaveLength(input.dInner === 24 ? 1 : 0);
    expect(await readdir(join(path, ".."))).toEqual(["model.gguf"]);
    const loaded = await loadCheckpoint(kernel, path);
    using again = loaded.model;
    expect(loaded.format).toBe("gguf");
    expect(loaded.tokenizer).toMatchObject({ kind: "bytes", stopIds: [10] });
    expect(loaded.tokenizer?.encode("\n ")).toEqual([10, 32]);
    expect(loaded.tokenizer).toMatchObject({ kind: "bytes", stopIds: [10] });
    expect(loaded.tokenizer?.encode("\n ")).toEqual([10, 32]);
    expect(again.config).toEqual(model.config);
    const [before, after] = [await valuesOf(kernel, model), await valuesOf(kernel, again)];
    for (const [name, values] of before) {
      const found = after.get(name);
      if (!name.endsWith("A_log")) expect(isSame(found, values), name).toBe(true);
      else
        values.forEach((value, i) => expect(Math.abs((found?.[i] ?? NaN) - value)).toBeLessThanOrEqual(3e-7));
    }
  },
);

test("the file has the names, shapes, types and metadata of llama.cpp", async () => {
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, { ...small, tieEmbeddings: false, innerNorms: "unweighted" }, 7);
  await using file = await openGguf(bytesSource(await bytesOf(model, "q4_k_m")));
  expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, ...shape])).toEqual([
    ["token_embd.weight", "Q4_K", 264, 256],
    ["blk.0.attn_norm.weight", "F32", 256],
    ["blk.0.ssm_in.weight", "Q4_K", 1024, 256],
    ["blk.0.ssm_conv1d.weight", "F32", 512, 4],
    ["blk.0.ssm_conv1d.bias", "F32", 512],
    ["blk.0.ssm_x.weight", "Q4_K", 24, 512],
    ["blk.0.ssm_dt.weight", "F16", 512, 16],
    ["blk.0.ssm_dt.bias", "F32", 512],
    ["blk.0.ssm_a", "F32", 512, 4],
    ["blk.0.ssm_d", "F32", 512],
    ["blk.0.ssm_out.weight", "Q4_K", 256, 512],
    ["output_norm.weight", "F32", 256],
    ["output.weight", "Q6_K", 264, 256],
  ]);
  const metadata = Object.fromEntries(
    [...file.metadata].map(([key, { type, value }]) => [key, [type, value]]),
  );
  expect(metadata).toEqual({
    "general.architecture": ["string", "mamba"],
    "general.type": ["string", "model"],
    "general.name": ["string", "mamba"],
    "general.file_type": ["u32", 15],
    "general.quantization_version": ["u32", 2],
    "mamba.context_length": ["u32", 2 ** 20],
    "mamba.embedding_length": ["u32", 256],
    "mamba.feed_forward_length": ["u32", 0],
    "mamba.attention.head_count": ["u32", 0],
    "mamba.block_count": ["u32", 1],
    "mamba.ssm.conv_kernel": ["u32", 4],
    "mamba.ssm.inner_size": ["u32", 512],
    "mamba.ssm.state_size": ["u32", 4],
    "mamba.ssm.time_step_rank": ["u32", 16],
    "mamba.attention.layer_norm_rms_epsilon": ["f32", Math.fround(1e-5)],
    "mamba.ssm.dt_b_c_rms": ["bool", true],
    "mamba.vocab_size": ["u32", 264],
    "mamba_ts.inner_norm_eps": ["f32", Math.fround(1e-6)],
    "tokenizer.ggml.model": ["string", "none"],
  });
  const a = new Float32Array((await file.read("blk.0.ssm_a")).buffer);
  expect([...a.subarray(0, 4)].map((value) => Number(value.toFixed(5)))).toEqual([-1, -2, -3, -4]);
});

test("the type of each tensor is llama.cpp's", () => {
  const types = (type: GgufFileType, columns: number, hasOutput = false) =>
    [
      ggufTypeOf("token_embd.weight", [50280, columns], type, hasOutput),
      ggufTypeOf("output.weight", [50280, columns], type, hasOutput),
      ggufTypeOf("blk.0.ssm_in.weight", [3072, columns], type, hasOutput),
      ggufTypeOf("blk.0.ssm_dt.weight", [1536, 48], type, hasOutput),
    ].join(" ");
  expect(types("q4_k_m", 768)).toBe("q6_k q6_k q4_k f16");
  expect(types("q4_k_m", 768, true)).toBe("q4_k q6_k q4_k f16");
  expect(types("q4_0", 768)).toBe("q6_k q6_k q4_0 f16");
  expect(types("q5_1", 768)).toBe("q6_k q6_k q5_1 f16");
  expect(types("q8_0", 768)).toBe("q8_0 q8_0 q8_0 f16");
  expect(types("q6_k", 768)).toBe("q6_k q6_k q6_k f16");
  expect(types("q4_k", 96)).toBe("q8_0 q8_0 q5_0 f16");
  expect(types("q5_k_s", 96)).toBe("q8_0 q8_0 q5_1 f16");
  expect(types("q6_k", 96)).toBe("q8_0 q8_0 q8_0 f16");
  expect(types("q4_0", 48)).toBe("f16 f16 f16 f16");
  expect(types("f16", 48)).toBe("f16 f16 f16 f16");
  expect(types("bf16", 768)).toBe("bf16 bf16 bf16 bf16");
  for (const name of [
    "ssm_a",
    "ssm_d",
    "ssm_conv1d.weight",
    "ssm_conv1d.bias",
    "attn_norm.weight",
    "ssm_dt.bias",
  ])
    expect(ggufTypeOf(`blk.3.${name}`, [1536, 256], "q4_k"), name).toBe("f32");
  expect(ggufTypeOf("output_norm.weight", [768], "q8_0")).toBe("f32");
});

test("routers of experts stay f32, and some matrices have more bits in the types _s and _m, as llama.cpp chooses", () => {
  const names = Array.from({ length: 16 }, (_, i) => [
    `blk.${i}.ffn_down.weight`,
    ...(i % 4 === 1 ? [`blk.${i}.attn_v.weight`] : []),
  ]).flat();
  const chosen = (type: GgufFileType, name: string) => {
    const typeOf = ggufTypes([...names, "output.weight"], type);
    return Array.from({ length: 16 }, (_, i) => `blk.${i}.${name}`)
      .filter((full) => names.includes(full))
      .map((full) => typeOf(full, [512, 512]))
      .join(" ")
      .replaceAll("q4_k", "-");
  };
  // The first and last two of 16 layers, and every third from the fifth on.
  expect(chosen("q4_k_m", "ffn_down.weight")).toBe("q6_k q6_k - - q6_k - - q6_k - - q6_k - - q6_k q6_k q6_k");
  expect(chosen("q4_k_s", "ffn_down.weight")).toBe("q5_k q5_k - - - - - - - - - - - - - -");
  // The third and the last of four layers of attention.
  expect(chosen("q4_k_m", "attn_v.weight")).toBe("- - q6_k q6_k");
  expect(chosen("q4_k_s", "attn_v.weight")).toBe("q5_k q5_k q5_k q5_k");
  expect(chosen("q4_k", "attn_v.weight")).toBe("- - - -");
  const typeOf = ggufTypes(["blk.0.ffn_gate_inp.weight"], "q4_k_m");
  expect(typeOf("blk.0.ffn_gate_inp.weight", [64, 256])).toBe("f32");
  expect(typeOf("blk.0.ffn_up_exps.weight", [64, 512, 256])).toBe("q4_k");
  expect(typeOf("blk.0.ssm_norm.weight", [8, 256])).toBe("f32");
});

describe("@huggingface/gguf as a second opinion", () => {
  test("it reads what we write", async () => {
    const kernel = hostKernel();
    const path = join(await temporaryFolder(), "model.gguf");
    using model = MambaLM.init(kernel, small, 7);
    const added = new Map<string, GgufValue>([
      ["tokenizer.ggml.tokens", { type: "array", items: "string", value: ["<s>", "ä", "▁b"] }],
      ["tokenizer.ggml.scores", { type: "array", items: "f32", value: Float32Array.of(0, -1.5, 2) }],
      ["x.u64", { type: "u64", value: 2n ** 60n }],
      ["x.i8", { type: "i8", value: -3 }],
      ["general.alignment", { type: "u32", value: 64 }],
    ]);
    await saveGguf(model, path, { type: "q5_k_m", metadata: added });
    const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
    await using file = await openGguf(path);
    expect(tensorDataOffset).toBe(BigInt(file.dataStart));
    expect(
      tensorInfos.map(({ name, dtype, shape, offset }) => [
        name,
        GGMLQuantizationType[dtype],
        shape.map(Number).reverse(),
        Number(offset) + file.dataStart,
      ]),
    ).toEqual(
      [...file.tensors.values()].map(({ name, dtype, shape, byteOffset }) => [
        name,
        dtype,
        shape,
        byteOffset,
      ]),
    );
    const theirs = metadata as unknown as Record<string, unknown>;
    for (const [key, { value }] of file.metadata)
      expect(theirs[key], key).toEqual(typeof value === "object" ? Array.from<unknown>(value) : value);
    expect(metadata.version).toBe(3);
  });

  test("we read what it writes", async () => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, odd, 7);
    const path = join(await temporaryFolder(), "model.gguf");
    await saveGguf(model, path);
    const whole = await readFile(path);
    const blob = new Blob([new Uint8Array(whole)]);
    const parsed = await gguf(path, { allowLocalFile: true, typedMetadata: true });
    const { tensorInfoByteRange } = parsed as unknown as { tensorInfoByteRange: [number, number] };
    const changed = {
      ...parsed.typedMetadata,
      "general.name": { value: "Größe", type: GGUFValueType.STRING },
      "x.words": { value: ["a", "b"], type: GGUFValueType.ARRAY, subType: GGUFValueType.STRING },
      "x.f64": { value: 0.1, type: GGUFValueType.FLOAT64 },
    };
    changed.kv_count = { ...changed.kv_count, value: BigInt(Object.keys(changed).length - 3) };
    const header = await buildGgufHeader(blob, changed as never, { littleEndian: true, tensorInfoByteRange });
    const first = await openGguf(path);
    await writeFile(
      path,
      new Uint8Array(await new Blob([header, blob.slice(first.dataStart)]).arrayBuffer()),
    );
    await using file = await openGguf(path);
    expect(file.metadata.get("general.name")).toEqual(text("Größe"));
    expect(file.metadata.get("x.words")).toEqual({ type: "array", items: "string", value: ["a", "b"] });
    expect(file.metadata.get("x.f64")).toEqual({ type: "f64", value: 0.1 });
    expect(await file.read("output_norm.weight")).toEqual(await first.read("output_norm.weight"));
    await first.close();
    (await loadCheckpoint(kernel, path)).model.dispose();
  });
});

test("a file made by hand, byte by byte, loads", async () => {
  const kernel = hostKernel();
  // 3 tokens, width 2, 1 layer, inner size 4, state 2, convolution 2, rank 1.
  const shapes: [string, number[]][] = [
    ["token_embd.weight", [2, 3]],
    ["output_norm.weight", [2]],
    ["blk.0.attn_norm.weight", [2]],
    ["blk.0.ssm_in.weight", [2, 8]],
    ["blk.0.ssm_conv1d.weight", [2, 4]],
    ["blk.0.ssm_conv1d.bias", [4]],
    ["blk.0.ssm_x.weight", [4, 5]],
    ["blk.0.ssm_dt.weight", [1, 4]],
    ["blk.0.ssm_dt.bias", [4]],
    ["blk.0.ssm_a", [2, 4]],
    ["blk.0.ssm_d", [4]],
    ["blk.0.ssm_out.weight", [4, 2]],
  ];
  const count = (extents: readonly number[]) => extents.reduce((product, extent) => product * extent, 1);
  const values = (name: string, n: number) =>
    Float32Array.from({ length: n }, (_, i) =>
      name.endsWith("ssm_a") ? -Math.exp(i / 8) : name.length + i / 4,
    );
  const tensors: number[][] = [];
  const data: number[] = [];
  for (const [name, extents] of shapes) {
    tensors.push(tensor(name, extents, 0, data.length));
    data.push(...new Uint8Array(values(name, count(extents)).buffer));
    while (data.length % 32 !== 0) data.push(0);
  }
  const n = (key: string, value: number) => entry(`mamba.${key}`, 4, u32(value));
  const entries = [
    entry("general.architecture", 8, string("mamba")),
    n("embedding_length", 2),
    n("block_count", 1),
    n("ssm.inner_size", 4),
    n("ssm.state_size", 2),
    n("ssm.conv_kernel", 2),
    n("ssm.time_step_rank", 1),
    entry("mamba.attention.layer_norm_rms_epsilon", 6, f32(1e-5)),
  ];
  const bytes = rawGguf({ entries, tensors, data: Uint8Array.from(data) });
  const loaded = await loadCheckpoint(kernel, blobFiles(new Map([["hand.gguf", bytes]])));
  using model = loaded.model;
  expect(model.config).toEqual(
    resolveLMConfig({
      vocabSize: 3,
      dModel: 2,
      nLayers: 1,
      dInner: 4,
      expand: 2,
      dState: 2,
      dConv: 2,
      dtRank: 1,
    }),
  );
  const found = await valuesOf(kernel, model);
  expect(found.get("backbone.embeddings.weight")).toEqual(values("token_embd.weight", 6));
  expect(found.get("backbone.layers.0.mixer.conv1d.weight")).toEqual(values("blk.0.ssm_conv1d.weight", 8));
  const aLog = found.get("backbone.layers.0.mixer.A_log");
  expect(Array.from(aLog ?? [], (value) => Number(value.toFixed(6)))).toEqual([
    0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875,
  ]);
});

test("the logits of a loaded f32 file are those of the model", async () => {
  const kernel = await createCpuKernel();
  const path = join(await temporaryFolder(), "model.gguf");
  const model = MambaLM.init(kernel, small, 7);
  await saveGguf(model, path);
  const loaded = await loadCheckpoint(kernel, path);
  const [before, after] = [await logitsOf(kernel, model), await logitsOf(kernel, loaded.model)];
  const scale = Math.max(...before.map(Math.abs));
  before.forEach((value, i) => expect(Math.abs((after[i] ?? NaN) - value)).toBeLessThanOrEqual(2e-6 * scale));
  for (const item of [model, loaded.model]) item.dispose();
  await kernel.dispose();
});

/** Logits of all positions for some ids. */
async function logitsOf(kernel: Kernel, model: MambaLM): Promise<Float32Array> {
  using ids = kernel.upload(Int32Array.of(1, 7, 3, 23, 0, 5, 5, 11), [1, 8], "i32");
  using logits = model.forward(ids);
  return (await kernel.read(logits))[0] as Float32Array;
}

test.each([
  ["q8_0", 96],
  ["q4_0", 96],
  ["q4_k", 256],
  ["q6_k", 256],
] as const)(
  "%s, width %i: logits are those of the dequantised weights, exactly with f32 activations, and within the error of int8 ones",
  async (type, dModel) => {
    const exact = await createCpuKernel({ activations: "f32" });
    const rounded = await createCpuKernel({ activations: "int8" });
    const path = join(await temporaryFolder(), "model.gguf");
    // With rows of three blocks of 32 the table is Q8_0, with rows of 256 Q6_K.
    const model = MambaLM.init(exact, { ...small, dModel }, 7);
    await saveGguf(model, path, { type });
    const load = async (kernel: Kernel, dtype?: "f32") => {
      const loaded = await loadCheckpoint(kernel, path, { dtype });
      const logits = await logitsOf(kernel, loaded.model);
      loaded.model.dispose();
      return logits;
    };
    const reference = await load(exact, "f32");
    const nmse = (values: Float32Array) => {
      let [error, energy] = [0, 0];
      reference.forEach((value, i) => {
        error += ((values[i] ?? NaN) - value) ** 2;
        energy += value ** 2;
      });
      return error / energy;
    };
    expect(nmse(await load(exact))).toBeLessThan(1e-11);
    expect(nmse(await load(rounded))).toBeLessThan(1e-3);
    expect(nmse(await logitsOf(exact, model))).toBeGreaterThan(1e-6); // the weights were rounded
    model.dispose();
    for (const kernel of [exact, rounded]) await kernel.dispose();
  },
);

test("nothing is left behind by a failure while writing", async () => {
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, odd, 7);
  const folder = await folderWith({ "m.gguf": "old" });
  const { content } = ggufContent(model);
  const [first, ...others] = content.tensors;
  const short = { ...first, chunks: () => [new Uint8Array(3)] } as (typeof content.tensors)[0];
  await expect(
    writeGguf(join(folder, "m.gguf"), { ...content, tensors: [short, ...others] }),
  ).rejects.toThrow("got 3");
  expect(await readdir(folder)).toEqual(["m.gguf"]);
  expect(await readFile(join(folder, "m.gguf"), "utf8")).toBe("old");
  expect(pathToFileURL(folder).href).toContain("file:");
});

test("an adapter is merged into quantised weights only when a type is given", async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  using source = MambaLM.init(kernel, small);
  const path = join(await temporaryFolder(), "model.gguf");
  await saveGguf(source, path, { type: "q8_0" });
  const { model } = await loadCheckpoint(kernel, path);
  using _model = model;
  using adapter = LoraAdapter.init(model, { rank: 2 }, 1);
  model.attach(adapter);
  await expect(saveGguf(model, path, { adapter: "merge" })).rejects.toThrow(
    /is stored as q8_0, .*; pass the type/,
  );
  await saveGguf(model, path, { adapter: "merge", type: "q8_0" });
  await saveGguf(model, path, { adapter: "omit" });
});

test("a type that is none is refused by the name of the option, before anything is written or read", async () => {
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, odd, 7);
  const path = join(await temporaryFolder(), "model.gguf");
  expect(await refusal(() => saveGguf(model, path, { type: "Q4_K_M" as never }))).toMatchObject({
    code: "DTYPE",
    message: expect.stringMatching(/^option type must be one of .*q4_k_m.*, got "Q4_K_M"$/) as string,
  });
  await saveGguf(model, path);
  const tensors = kernel.memory().tensors;
  expect(await refusal(() => loadCheckpoint(kernel, path, { dtype: "q4_k_m" as never }))).toMatchObject({
    code: "DTYPE",
    message: expect.stringMatching(/^option dtype must be one of .*q4_k.*, got "q4_k_m"$/) as string,
  });
  expect(kernel.memory().tensors).toBe(tensors);
});
