import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildGgufHeader, GGMLQuantizationType, gguf, GGUFValueType } from "@huggingface/gguf";
import {
  byteTokenizer,
  LoraAdapter,
  MambaLM,
  type MambaLMConfigInput,
  parameterSpecs,
  resolveLMConfig,
} from "@mamba/core";
import { type Kernel, type HostArray, type QuantizedDType, quantizedTypes } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { checkBlocks, dequantize, quantize } from "@mamba/kernel/quantize";
import { describe, expect, test } from "vitest";
import {
  blobFiles,
  ggufChunks,
  ggufContent,
  type GgufFileType,
  ggufTypeOf,
  ggufTypes,
  type GgufValue,
  inspectCheckpoint,
  inspectModel,
  loadCheckpoint,
  openGguf,
  saveCheckpoint,
  saveGguf,
  writeGguf,
} from "../src/index.ts";
import { bytesSource } from "@mamba/core/safetensors";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { entry, f32, rawGguf, string, tensor, u32 } from "./support/ggufBytes.ts";
import { hostKernel } from "./support/hostKernel.ts";

const allTypes = ["f32", "f16", "bf16", "i32", ...quantizedTypes] as const;
/** Rows of 256, so that the K types need no fallback but for dt_proj, whose rows have 16. */
const small: MambaLMConfigInput = { vocabSize: 264, dModel: 256, nLayers: 1, dState: 4, dtRank: 16 };
/** Rows that are no whole blocks. */
const odd: MambaLMConfigInput = {
  vocabSize: 299,
  padVocabSizeMultiple: 8,
  dModel: 16,
  nLayers: 2,
  dInner: 24,
  expand: 1.5,
  dState: 4,
  dConv: 3,
  dtRank: 2,
};

const valuesOf = async (kernel: Kernel, model: MambaLM) => {
  const values = new Map<string, HostArray>();
  for (const [name, found] of model.parameters) values.set(name, (await kernel.read(found))[0] as HostArray);
  return values;
};

/** True when two arrays have the same bytes. Faster than `toEqual` by far. */
const isSame = (a: HostArray | undefined, b: HostArray | undefined) =>
  a !== undefined &&
  b !== undefined &&
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

async function bytesOf(model: MambaLM, type?: GgufFileType): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: BlobPart[] = [];
  for await (const chunk of ggufChunks(ggufContent(model, { type }).content)) chunks.push(chunk.slice());
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

const text = (value: string): GgufValue => ({ type: "string", value });

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

describe("quantised files", () => {
  test.each(quantizedTypes)(
    "%s: blocks go to the kernel as they are, from the file and from floats",
    async (type) => {
      const kernel = hostKernel(allTypes);
      using model = MambaLM.init(kernel, small, 7);
      const path = join(await temporaryFolder(), "model.gguf");
      await saveGguf(model, path, { type });
      const fromFile = await loadCheckpoint(kernel, path);
      await saveGguf(model, path);
      const fromFloats = await loadCheckpoint(kernel, path, { dtype: type });
      using a = fromFile.model;
      using b = fromFloats.model;
      const [blocks, same, floats] = [
        await valuesOf(kernel, a),
        await valuesOf(kernel, b),
        await valuesOf(kernel, model),
      ];
      for (const [name, values] of blocks) expect(isSame(same.get(name), values), name).toBe(true);
      for (const { name, shape } of parameterSpecs(model.config)) {
        const dtype = a.parameters.get(name)?.dtype as QuantizedDType | "f32" | "f16";
        const isMatrix = /(embeddings|in_proj|x_proj|out_proj)\.weight$/.test(name);
        expect(dtype === "f32" || dtype === "f16", name).toBe(!isMatrix);
        if (!isMatrix || dtype === "f32" || dtype === "f16") continue;
        const expected = quantize(floats.get(name) as Float32Array, dtype, shape.at(-1) ?? 0);
        expect(isSame(blocks.get(name), expected), name).toBe(true);
        expect(checkBlocks(expected, dtype)).toBe(-1);
      }
      // Saved without a type, a quantised model keeps its blocks.
      await saveGguf(a, path);
      const again = await loadCheckpoint(kernel, path);
      using c = again.model;
      const kept = await valuesOf(kernel, c);
      for (const [name, values] of blocks)
        if (!name.endsWith("A_log")) expect(isSame(kept.get(name), values), name).toBe(true);
    },
  );

  test("dtype f32 dequantises; without it a kernel that has no such type says so", async () => {
    const kernel = hostKernel();
    const all = hostKernel(allTypes);
    using model = MambaLM.init(kernel, small, 7);
    const path = join(await temporaryFolder(), "model.gguf");
    await saveGguf(model, path, { type: "q4_k" });
    const error = await refusal(() => loadCheckpoint(kernel, path));
    expect(error).toMatchObject({ code: "DTYPE", message: expect.stringContaining('dtype "f32"') as string });
    const blocks = await loadCheckpoint(all, path);
    for (const dtype of ["f32", "f16"] as const) {
      const loaded = await loadCheckpoint(kernel, path, { dtype });
      using floats = loaded.model;
      const name = "backbone.layers.0.mixer.in_proj.weight";
      const [stored, expected] = [await valuesOf(kernel, floats), await valuesOf(all, blocks.model)];
      const values = dequantize(expected.get(name) as Uint8Array, "q4_k");
      if (dtype === "f32") expect(isSame(stored.get(name), values)).toBe(true);
      expect(floats.parameters.get(name)?.dtype).toBe(dtype);
    }
    const folder = await temporaryFolder();
    expect(await refusal(() => saveCheckpoint(blocks.model, folder))).toMatchObject({
      code: "DTYPE",
      message: expect.stringContaining("saveGguf") as string,
    });
    await saveCheckpoint(blocks.model, folder, { dtype: "f16" });
    expect(
      (await inspectCheckpoint(folder)).tensors.every(({ dtype }) => dtype === "F16" || dtype === "F32"),
    ).toBe(true);
    blocks.model.dispose();
  });

  test("a block whose scale is infinite is refused, whatever it is loaded as", async () => {
    const kernel = hostKernel(allTypes);
    using model = MambaLM.init(kernel, small, 7);
    const bytes = await bytesOf(model, "q8_0");
    await using file = await openGguf(bytesSource(bytes));
    const at = file.tensors.get("blk.0.ssm_in.weight")?.byteOffset ?? 0;
    bytes.set([0x00, 0x7c], at + 34 * 3);
    for (const dtype of [undefined, "f32", "q4_0"] as const) {
      const error = await refusal(() =>
        loadCheckpoint(kernel, blobFiles(new Map([["a.gguf", bytes]])), { dtype }),
      );
      expect(error).toMatchObject({
        code: "NON_FINITE",
        message: expect.stringContaining("blk.0.ssm_in.weight") as string,
      });
      expect(error.message).toContain("element 96");
    }
    expect(kernel.memory().tensors).toBe(model.parameters.size);
  });
});

describe("finding the file", () => {
  const save = async (folder: string, names: readonly string[], input: MambaLMConfigInput = odd) => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, input, 7);
    for (const name of names) await saveGguf(model, join(folder, name), { name });
  };

  test("a folder with one file, a file of several by its name or type, a Blob", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    await save(folder, ["mamba.Q4_K_M.gguf"]);
    const nameOf = async (source: Parameters<typeof inspectCheckpoint>[0], file?: string) =>
      (await inspectCheckpoint(source, { file })).metadata?.get("general.name")?.value;
    expect(await nameOf(folder)).toBe("mamba.Q4_K_M.gguf");
    await save(folder, ["mamba.Q4_K.gguf", "mamba-q8_0.gguf"]);
    expect(await nameOf(folder, "Q4_K_M")).toBe("mamba.Q4_K_M.gguf");
    expect(await nameOf(folder, "q4_k")).toBe("mamba.Q4_K.gguf");
    expect(await nameOf(folder, "mamba-q8_0.gguf")).toBe("mamba-q8_0.gguf");
    expect(await nameOf(join(folder, "mamba-q8_0.gguf"))).toBe("mamba-q8_0.gguf");
    const ambiguous = await refusal(() => inspectCheckpoint(folder));
    expect(ambiguous.code).toBe("AMBIGUOUS");
    for (const name of ["mamba.Q4_K_M.gguf", "mamba.Q4_K.gguf", "mamba-q8_0.gguf"])
      expect(ambiguous.message).toContain(name);
    const missing = await refusal(() => inspectCheckpoint(folder, { file: "Q5_K_M" }));
    expect(missing).toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("mamba-q8_0.gguf") as string,
    });
    const blob = new Blob([new Uint8Array(await readFile(join(folder, "mamba-q8_0.gguf")))]);
    expect(await nameOf(blob)).toBe("mamba-q8_0.gguf");
    expect((await inspectModel(blob)).kind).toBe("language");
    const loaded = await loadCheckpoint(kernel, folder, { file: "mamba.Q4_K.gguf" });
    expect(loaded.config.vocabSize).toBe(299);
    loaded.model.dispose();
  });

  test("safetensors weights come first, unless a file is named", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, odd, 7);
    await saveCheckpoint(model, folder);
    await save(folder, ["x.gguf"]);
    expect((await inspectCheckpoint(folder)).format).toBe("mamba");
    expect((await inspectCheckpoint(folder, { file: "x.gguf" })).format).toBe("gguf");
  });

  test("shards: all are found from any of them, and checked", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, odd, 7);
    const { content } = ggufContent(model);
    const parts = [content.tensors.slice(0, 5), content.tensors.slice(5, 12), content.tensors.slice(12)];
    const nameOf = (i: number) => join(folder, `m-Q8_0-0000${i + 1}-of-00003.gguf`);
    const write = async (i: number, change: Record<string, GgufValue> = {}) => {
      const own = {
        "split.no": { type: "u16", value: i },
        "split.count": { type: "u16", value: 3 },
        "split.tensors.count": { type: "i32", value: content.tensors.length },
        ...change,
      } as const;
      const metadata = new Map<string, GgufValue>([
        ...(i === 0 ? content.metadata : []),
        ...Object.entries(own),
      ]);
      await writeGguf(nameOf(i), { metadata, tensors: parts[i] ?? [] });
    };
    for (const i of [0, 1, 2]) await write(i);
    for (const source of [folder, nameOf(0), nameOf(2)]) {
      const loaded = await loadCheckpoint(kernel, source);
      using again = loaded.model;
      expect(again.config).toEqual(model.config);
    }
    const refused = async (source = folder) => refusal(() => inspectCheckpoint(source));
    await write(1, { "split.no": { type: "u16", value: 2 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.no is 2, expected 1") as string,
    });
    await write(1, { "split.count": { type: "u16", value: 4 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.count is 4") as string,
    });
    await write(1, { "split.tensors.count": { type: "i32", value: 4 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.tensors.count is 4") as string,
    });
    await write(1);
    await writeGguf(nameOf(2), {
      metadata: new Map(
        Object.entries({
          "split.no": { type: "u16", value: 2 },
          "split.count": { type: "u16", value: 3 },
          "split.tensors.count": { type: "i32", value: content.tensors.length },
        } as Record<string, GgufValue>),
      ),
      tensors: [...(parts[2] ?? []), ...(parts[0]?.slice(0, 1) ?? [])],
    });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("in another shard") as string,
    });
    await rename(nameOf(2), join(folder, "elsewhere"));
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("missing") as string,
    });
    expect(await refused(nameOf(0))).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("missing") as string,
    });
    await rename(nameOf(0), join(folder, "alone.gguf"));
    expect(await refused(join(folder, "alone.gguf"))).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.count is 3") as string,
    });
  });
});

describe("metadata and tensors that do not agree", () => {
  /** A model of one layer, with changes to its metadata. */
  const withMetadata = async (
    changes: Record<string, GgufValue | undefined>,
    input: MambaLMConfigInput = { ...odd, nLayers: 1 },
  ) => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, input, 7);
    const { content } = ggufContent(model);
    const metadata = new Map(content.metadata);
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) metadata.delete(key);
      else metadata.set(key, value);
    }
    const chunks: BlobPart[] = [];
    for await (const chunk of ggufChunks({ ...content, metadata })) chunks.push(chunk.slice());
    return new Blob(chunks);
  };
  const u = (value: number): GgufValue => ({ type: "u32", value });

  test.each<[string, Record<string, GgufValue | undefined>, string, string]>([
    ["no architecture", { "general.architecture": undefined }, "CONFIG", "general.architecture"],
    ["another architecture", { "general.architecture": text("llama") }, "UNSUPPORTED_MODEL", '"llama"'],
    ["an unknown hybrid", { "general.architecture": text("plamo2") }, "UNSUPPORTED_MODEL", "granitehybrid"],
    [
      "no sizes of another architecture",
      { "general.architecture": text("falcon-h1") },
      "CONFIG",
      "falcon-h1.",
    ],
    [
      "a key of the prototype",
      { "general.architecture": text("__proto__") },
      "UNSUPPORTED_MODEL",
      "__proto__",
    ],
    ["no width", { "mamba.embedding_length": undefined }, "CONFIG", "mamba.embedding_length"],
    ["a width of another type", { "mamba.embedding_length": text("16") }, "CONFIG", "string"],
    ["a negative width", { "mamba.embedding_length": { type: "i32", value: -16 } }, "CONFIG", "-16"],
    ["another width", { "mamba.embedding_length": u(32) }, "TENSOR_SHAPE", "token_embd.weight"],
    [
      "a width of 2^64 - 1",
      { "mamba.embedding_length": { type: "u64", value: 2n ** 64n - 1n } },
      "CONFIG",
      "18446744073709551615",
    ],
    ["a layer too many", { "mamba.block_count": u(2) }, "MISSING_TENSOR", "blk.1"],
    ["2^32 - 1 layers", { "mamba.block_count": u(2 ** 32 - 1) }, "CONFIG", "block_count"],
    ["no layer", { "mamba.block_count": u(0) }, "CONFIG", "block_count"],
    ["another inner size", { "mamba.ssm.inner_size": u(32) }, "TENSOR_SHAPE", "ssm_"],
    ["another state size", { "mamba.ssm.state_size": u(8) }, "TENSOR_SHAPE", "ssm_"],
    ["another convolution", { "mamba.ssm.conv_kernel": u(4) }, "TENSOR_SHAPE", "conv1d"],
    ["another rank", { "mamba.ssm.time_step_rank": u(3) }, "TENSOR_SHAPE", "ssm_"],
    ["groups", { "mamba.ssm.group_count": u(2) }, "CONFIG", "group_count"],
    [
      "an epsilon of NaN",
      { "mamba.attention.layer_norm_rms_epsilon": { type: "f32", value: NaN } },
      "CONFIG",
      "NaN",
    ],
    ["a vocabulary of another size", { "mamba.vocab_size": u(299) }, "CONFIG", "304 rows"],
    [
      "more tokens than rows",
      {
        "tokenizer.ggml.tokens": {
          type: "array",
          items: "string",
          value: new Array(305).fill("a") as string[],
        },
      },
      "CONFIG",
      "305 tokens",
    ],
  ])("%s", async (_, changes, code, words) => {
    const blob = await withMetadata(changes);
    const error = await refusal(() => inspectCheckpoint(blob));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  test("a tensor without a place, and a type that models cannot use, are refused", async () => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, { ...odd, nLayers: 1 }, 7);
    const { content } = ggufContent(model);
    const path = join(await temporaryFolder(), "m.gguf");
    const extra = {
      name: "blk.0.attn_q.weight",
      dtype: "F32",
      shape: [2, 2],
      chunks: () => [new Uint8Array(16)],
    } as const;
    await writeGguf(path, { ...content, tensors: [...content.tensors, extra] });
    expect(await refusal(() => inspectCheckpoint(path))).toMatchObject({ code: "EXTRA_TENSOR" });
    const other = {
      name: "token_embd.weight",
      dtype: "F64",
      shape: [304, 16],
      chunks: () => [new Uint8Array(304 * 16 * 8)],
    } as const;
    await writeGguf(path, { ...content, tensors: [other, ...content.tensors.slice(1)] });
    expect(await refusal(() => inspectCheckpoint(path))).toMatchObject({
      code: "DTYPE",
      message: expect.stringContaining("F64") as string,
    });
  });

  test("ssm_a from 0 on is refused", async () => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, { ...odd, nLayers: 1 }, 7);
    const bytes = await bytesOf(model);
    await using file = await openGguf(bytesSource(bytes));
    const at = file.tensors.get("blk.0.ssm_a")?.byteOffset ?? 0;
    for (const value of [0, 0.5, -Infinity, NaN]) {
      bytes.set(f32(value), at + 4 * 5);
      const error = await refusal(() => loadCheckpoint(kernel, new Blob([bytes])));
      expect(error).toMatchObject({
        code: "NON_FINITE",
        message: expect.stringContaining(`element 5 is ${value}`) as string,
      });
    }
  });

  test("tokens [PADi] at the end are no ids of the vocabulary", async () => {
    const pads = Array.from({ length: 304 }, (_, i) => (i < 290 ? `t${i}` : `[PAD${i}]`));
    const blob = await withMetadata({
      "tokenizer.ggml.tokens": { type: "array", items: "string", value: pads },
      "mamba_ts.vocab_size": undefined,
    });
    const { config } = await inspectCheckpoint(blob);
    expect(config).toMatchObject({ vocabSize: 290 });
    expect(Math.ceil(config.vocabSize / config.padVocabSizeMultiple) * config.padVocabSizeMultiple).toBe(304);
  });

  test("models that GGUF cannot describe are not written", async () => {
    const kernel = hostKernel();
    for (const change of [
      { innerNorms: "weighted" },
      { selective: false },
      { bias: true },
      { mupBaseWidth: 8, tieEmbeddings: false },
    ] as const) {
      using model = MambaLM.init(kernel, { ...odd, ...change }, 7);
      expect(await refusal(() => ggufContent(model))).toMatchObject({ code: "UNSUPPORTED_MODEL" });
    }
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
