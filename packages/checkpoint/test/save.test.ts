import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LoraAdapter, MambaLM, type MambaLMConfigInput, mergeAdapter } from "@mamba/core";
import { checksumKey } from "@mamba/core/safetensors";
import { type FloatDType, fromFloat32, type HostArray, type Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { describe, expect, test } from "vitest";
import {
  type ConfigFormat,
  loadCheckpoint,
  openSafetensors,
  parseTokenizer,
  saveCheckpoint,
  writeSafetensors,
} from "../src/index.ts";
import { f32Tensor, safetensors } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyInput } from "./support/models.ts";
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
  expect(file.metadata).toEqual({
    format: "pt",
    [checksumKey]: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
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
  Object.defineProperty(other, "kernel", { value: { ...kernel, read } });
  await expect(saveCheckpoint(other, folder)).rejects.toThrow("device lost");
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
  expect(file.metadata).toEqual({
    by: "test",
    [checksumKey]: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  const short = { ...f32Tensor("a", [2, 3]), bytes: () => new Uint8Array(4) };
  await expect(writeSafetensors(path, [short])).rejects.toThrow("needs 24 bytes, got 4");
  await expect(writeSafetensors(path, [f32Tensor("a", [1]), f32Tensor("a", [1])])).rejects.toThrow(
    "given twice",
  );
});

describe("values that no model can use", () => {
  const name = "backbone.layers.1.mixer.in_proj.weight";
  const withValue = (kernel: Kernel, value: number, at = 5) => {
    const model = MambaLM.init(kernel, tinyInput, 1);
    kernel.write(model.parameters.get(name)!, at, Float32Array.of(value));
    return model;
  };

  test("a value that f16 cannot hold is named, on saving and on loading", async () => {
    const kernel = hostKernel();
    for (const [value, fits] of [
      [65504, true],
      [65519, true],
      [65520, false],
      [-70000, false],
    ] as const) {
      const folder = await temporaryFolder();
      using model = withValue(kernel, value);
      const expected = {
        code: "NON_FINITE",
        message: expect.stringMatching(
          new RegExp(
            `${name}: element 5 is ${value}, which becomes infinite as f16; store the weights as bf16 or f32$`,
          ),
        ) as string,
      };
      const saved = saveCheckpoint(model, folder, { dtype: "f16" });
      if (fits) await saved;
      else {
        await expect(saved).rejects.toMatchObject(expected);
        expect(await readdir(folder)).toEqual([]);
      }
      await saveCheckpoint(model, folder);
      const before = kernel.memory();
      const loaded = loadCheckpoint(kernel, folder, { dtype: "f16" });
      if (fits) (await loaded).model.dispose();
      else await expect(loaded).rejects.toMatchObject(expected);
      expect(kernel.memory()).toEqual(before);
      (await loadCheckpoint(kernel, folder, { dtype: "bf16" })).model.dispose();
    }
  });

  test.each([NaN, Infinity, -Infinity])(
    "%s is refused, on saving and on loading, in every type",
    async (value) => {
      const kernel = hostKernel();
      const folder = await temporaryFolder();
      using model = withValue(kernel, value);
      await expect(saveCheckpoint(model, folder)).rejects.toMatchObject({
        code: "NON_FINITE",
        message: `${name}: element 5 is ${value}; the weights are damaged`,
      });
      for (const dtype of ["F32", "F16", "BF16"] as const) {
        const tensors = tensorsOf(tinyInput).map((tensor) => {
          if (tensor.name !== name) return tensor;
          const values = new Float32Array(48 * 16).fill(0.5);
          values[5] = value;
          const stored = fromFloat32(values, dtype.toLowerCase() as FloatDType);
          return { ...tensor, dtype, bytes: () => new Uint8Array(stored.buffer) };
        });
        const foreign = await folderWith({
          "config.json": tinyConfig,
          "model.safetensors": await safetensors(tensors),
        });
        for (const target of [undefined, "f32", "f16", "bf16"] as const) {
          await expect(loadCheckpoint(kernel, foreign, { dtype: target })).rejects.toMatchObject({
            code: "NON_FINITE",
            message: expect.stringContaining(
              `${name}: element 5 is ${value}; the weights are damaged`,
            ) as string,
          });
        }
      }
    },
  );
});

describe("the checksum of a saved model", () => {
  test("any flipped bit of the weights is found, unless verify is off", async () => {
    const kernel = hostKernel();
    const folder = await temporaryFolder();
    using model = MambaLM.init(kernel, tinyInput, 1);
    await saveCheckpoint(model, folder);
    const path = join(folder, "model.safetensors");
    const good = await readFile(path);
    const start = 8 + Number(good.readBigUInt64LE(0));
    const before = kernel.memory();
    for (const at of [start, start + 1001, good.length - 4]) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      await writeFile(path, bad);
      expect(await refusal(() => loadCheckpoint(kernel, folder))).toMatchObject({
        code: "CHECKSUM",
        message: expect.stringContaining(`${path}: the file is damaged`) as string,
      });
      expect(kernel.memory()).toEqual(before);
      (await loadCheckpoint(kernel, folder, { verify: false })).model.dispose();
    }
  });
});

describe("a model with an adapter attached", () => {
  test("is saved only when the caller says what becomes of the adapter", async () => {
    await using kernel = await createCpuKernel({ threads: 1 });
    using model = MambaLM.init(kernel, tinyInput, 1);
    const base = await valuesOf(kernel, model);
    using adapter = LoraAdapter.init(model, { rank: 2, alpha: 3 }, 4);
    for (const [name, tensor] of adapter.parameters) {
      if (!name.endsWith("lora_B.weight")) continue;
      const [rows = 0, columns = 0] = tensor.shape;
      kernel.write(
        tensor,
        0,
        Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) / 10),
      );
    }
    model.attach(adapter);
    const folder = await temporaryFolder();
    expect(await refusal(() => saveCheckpoint(model, folder))).toMatchObject({
      code: "ADAPTER",
      message: expect.stringContaining('pass adapter: "merge"') as string,
    });
    expect(await refusal(() => saveCheckpoint(model, folder, { adapter: "both" as never }))).toMatchObject({
      code: "ADAPTER",
    });
    expect(await readdir(folder)).toEqual([]);

    await saveCheckpoint(model, folder, { adapter: "omit" });
    using omitted = (await loadCheckpoint(kernel, folder)).model;
    expect(await valuesOf(kernel, omitted)).toEqual(base);
    await saveCheckpoint(model, folder, { adapter: "merge" });
    expect(await valuesOf(kernel, model)).toEqual(base);
    expect(model.adapter).toBe(adapter);
    using merged = (await loadCheckpoint(kernel, folder)).model;
    await mergeAdapter(model, adapter);
    expect(await valuesOf(kernel, merged)).toEqual(await valuesOf(kernel, model));
    expect(await valuesOf(kernel, merged)).not.toEqual(base);
    await saveCheckpoint(model, folder); // nothing is attached any more
  });
});

test("a model that is too large for the backend is refused before a weight is read", async () => {
  const folder = await temporaryFolder();
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, tinyInput, 1);
  await saveCheckpoint(model, folder);
  const { bytes } = kernel.memory();
  const limited = (change: Partial<Kernel["capabilities"]>): Kernel => ({
    ...kernel,
    capabilities: { ...kernel.capabilities, ...change },
    write: () => expect.fail("a weight was read"),
  });
  const tooLarge = expect.objectContaining({ code: "OUT_OF_MEMORY" }) as Error;
  await expect(loadCheckpoint(limited({ maxBytes: 2 * bytes - 1 }), folder)).rejects.toThrow(tooLarge);
  await expect(loadCheckpoint(limited({ maxBytes: 2 * bytes - 1 }), folder)).rejects.toThrow(
    `the weights take ${bytes} bytes, the host backend has ${2 * bytes - 1}, of which ${bytes} are in use`,
  );
  await expect(loadCheckpoint(limited({ maxTensorBytes: 300 * 16 * 4 - 1 }), folder)).rejects.toThrow(
    "backbone.embeddings.weight takes 19200 bytes as f32, the largest tensor of the host backend has 19199",
  );
  expect(kernel.memory().bytes).toBe(bytes);
});
