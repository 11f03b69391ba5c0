import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MambaLM, type MambaLMConfigInput } from "@mamba/core";
import type { HostArray, Kernel } from "@mamba/kernel";
import { expect, test } from "vitest";
import {
  type ConfigFormat,
  loadCheckpoint,
  openSafetensors,
  parseTokenizer,
  saveCheckpoint,
  writeSafetensors,
} from "../src/index.ts";
import { f32Tensor } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyInput } from "./support/models.ts";
import { contentOf } from "./support/server.ts";
import { tinyTokenizer } from "./support/tokenizers.ts";

const valuesOf = async (kernel: Kernel, model: MambaLM) => {
  const values = new Map<string, HostArray>();
  for (const [name, tensor] of model.parameters)
    values.set(name, (await kernel.read(tensor))[0] as HostArray);
  return values;
};
const readJson = async (folder: string, name = "config.json") =>
  JSON.parse(await readFile(join(folder, name), "utf8")) as Record<string, unknown>;

test.each<[string, Partial<MambaLMConfigInput>, string]>([
  ["a plain model", {}, "mamba"],
  [
    "biases, an own head, constant dt",
    { bias: true, convBias: false, tieEmbeddings: false, dtInit: "constant" },
    "mamba",
  ],
  ["padded vocabulary", { vocabSize: 299, padVocabSizeMultiple: 8 }, "mamba"],
  ["Falcon's norms", { innerNorms: "unweighted", innerNormEps: 1e-4 }, "falcon_mamba"],
  ["Jamba's norms", { innerNorms: "weighted" }, "mamba_ts"],
  ["no selection", { selective: false }, "mamba_ts"],
  ["muP", { mupBaseWidth: 8, tieEmbeddings: false }, "mamba_ts"],
  [
    "muP with Falcon's norms",
    { mupBaseWidth: 8, tieEmbeddings: false, innerNorms: "unweighted" },
    "mamba_ts",
  ],
])("%s: what is saved loads again, config and bits", async (_, change, type) => {
  const kernel = hostKernel();
  const folder = join(await temporaryFolder(), "new", "folder");
  using model = MambaLM.init(kernel, { ...tinyInput, ...change }, 7);
  await saveCheckpoint(model, folder);
  expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(await readJson(folder)).toMatchObject({ model_type: type });
  const loaded = await loadCheckpoint(kernel, folder);
  using again = loaded.model;
  expect(again.config).toEqual(model.config);
  expect(await valuesOf(kernel, again)).toEqual(await valuesOf(kernel, model));
});

test.each<[ConfigFormat, Partial<MambaLMConfigInput>]>([
  ["mamba", { padVocabSizeMultiple: 8 }],
  ["falcon_mamba", { innerNorms: "unweighted", tieEmbeddings: false }],
  ["mamba_ts", { innerNorms: "weighted", bias: true }],
  ["state-spaces", { vocabSize: 299, padVocabSizeMultiple: 8 }],
])("%s: load, then save, gives the same bytes", async (format, change) => {
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, { ...tinyInput, ...change }, 7);
  const files = Object.entries(tinyTokenizer).map(([name, json]) => [name, contentOf(json)] as const);
  const tokenizer = parseTokenizer(new Map(files));
  for (const dtype of ["f32", "f16", "bf16"] as const) {
    const first = await temporaryFolder();
    await saveCheckpoint(model, first, { dtype, format, tokenizer });
    const second = await temporaryFolder();
    const loaded = await loadCheckpoint(kernel, first);
    expect(loaded.format).toBe(format);
    await saveCheckpoint(loaded.model, second, { format, tokenizer: loaded.tokenizer });
    loaded.model.dispose();
    const names = (await readdir(first)).sort();
    expect((await readdir(second)).sort()).toEqual(names);
    for (const name of names)
      expect((await readFile(join(second, name))).equals(await readFile(join(first, name))), name).toBe(true);
  }
});

test("a format that cannot describe the model is refused, with a remedy", async () => {
  using model = MambaLM.init(hostKernel(), { ...tinyInput, innerNorms: "weighted" });
  const folder = await temporaryFolder();
  expect(await refusal(() => saveCheckpoint(model, folder, { format: "state-spaces" }))).toEqual({
    code: "UNSUPPORTED_MODEL",
    message: "the format state-spaces cannot describe a model with innerNorms weighted; save it as mamba_ts",
  });
  expect(await readdir(folder)).toEqual([]);
});

test("the files are those of transformers: names, shapes, metadata, rows of the table", async () => {
  const folder = await temporaryFolder();
  using model = MambaLM.init(hostKernel(), { ...tinyInput, vocabSize: 299, padVocabSizeMultiple: 8 });
  await saveCheckpoint(model, folder);
  expect(await readJson(folder)).toMatchObject({
    architectures: ["MambaForCausalLM"],
    vocab_size: 304,
    hidden_size: 16,
    intermediate_size: 24,
    time_step_rank: 2,
    torch_dtype: "float32",
    tie_word_embeddings: true,
    eos_token_id: null,
    mamba_ts: { vocab_size: 299 },
  });
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  expect(file.metadata).toEqual({ format: "pt" });
  expect(file.tensors.get("backbone.embeddings.weight")?.shape).toEqual([304, 16]);
  expect(file.tensors.get("backbone.layers.1.mixer.conv1d.weight")?.shape).toEqual([24, 1, 3]);
  expect(file.tensors.has("lm_head.weight")).toBe(false);
});

test("on request the matrices are rounded; the small parameters keep their precision", async () => {
  const folder = await temporaryFolder();
  using model = MambaLM.init(hostKernel(), tinyInput);
  await saveCheckpoint(model, folder, { dtype: "bf16" });
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  expect(file.tensors.get("backbone.layers.0.mixer.in_proj.weight")?.dtype).toBe("BF16");
  expect(file.tensors.get("backbone.layers.0.mixer.A_log")?.dtype).toBe("F32");
  expect(await readJson(folder)).toMatchObject({ torch_dtype: "bfloat16" });
});

test("a tokenizer travels with the model, its end token too", async () => {
  const folder = await folderWith(tinyTokenizer);
  const target = await temporaryFolder();
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, tinyInput);
  await saveCheckpoint(model, folder); // beside the tokenizer files
  const first = await loadCheckpoint(kernel, folder);
  expect(first.tokenizer?.kind).toBe("tokenizer.json");
  await saveCheckpoint(first.model, target, { tokenizer: first.tokenizer });
  const second = await loadCheckpoint(kernel, target);
  expect(second.tokenizer?.encode("hello")).toEqual(first.tokenizer?.encode("hello"));
  expect(second.tokenizer?.stopIds).toEqual(first.tokenizer?.stopIds);
  expect(await readJson(target)).toMatchObject({ eos_token_id: first.tokenizer?.stopIds[0] });
  first.model.dispose();
  second.model.dispose();
});

test("a failure while writing leaves the old checkpoint as it was, and no temporary files", async () => {
  const folder = await temporaryFolder();
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, tinyInput, 1);
  await saveCheckpoint(model, folder);
  const before = await readFile(join(folder, "model.safetensors"));
  const other = MambaLM.init(kernel, tinyInput, 2);
  let reads = 0;
  const read: Kernel["read"] = (...tensors) =>
    ++reads > 5 ? Promise.reject(new Error("device lost")) : kernel.read(...tensors);
  const failing = Object.assign(Object.create(other) as MambaLM, { kernel: { ...kernel, read } });
  await expect(saveCheckpoint(failing, folder)).rejects.toThrow("device lost");
  expect(await readFile(join(folder, "model.safetensors"))).toEqual(before);
  expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
  other.dispose();
});

test("a folder that cannot be made is an error that names it", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "file"), "");
  using model = MambaLM.init(hostKernel(), tinyInput);
  const error = await refusal(() => saveCheckpoint(model, join(folder, "file", "below")));
  expect(error).toMatchObject({ message: expect.stringContaining("below") as string });
});

test("single safetensors files: written whole or not at all", async () => {
  const path = join(await temporaryFolder(), "x.safetensors");
  await writeSafetensors(path, [f32Tensor("a", [2, 3])], { by: "test" });
  await using file = await openSafetensors(path);
  expect([...file.tensors.keys()]).toEqual(["a"]);
  expect(file.metadata).toEqual({ by: "test" });
  const short = { ...f32Tensor("a", [2, 3]), bytes: () => new Uint8Array(4) };
  await expect(writeSafetensors(path, [short])).rejects.toThrow("needs 24 bytes, got 4");
  await expect(writeSafetensors(path, [f32Tensor("a", [1]), f32Tensor("a", [1])])).rejects.toThrow(
    "given twice",
  );
});
