import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { byteTokenizer, MambaLM, type MambaLMConfigInput } from "@mamba/core";
import type { HostArray } from "@mamba/kernel";
import { dequantize, quantize } from "@mamba/kernel/quantize";
import { describe, expect, test } from "vitest";
import { checkFreeSpace, convert } from "../src/convert.ts";
import {
  blobFiles,
  convertCheckpoint,
  type GgufFileType,
  inspectCheckpoint,
  loadCheckpoint,
  openGguf,
  saveCheckpoint,
  saveGguf,
  streamSource,
  type WrittenTensor,
} from "../src/index.ts";
import { f32Tensor, safetensors } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { torchModel } from "./support/pickles.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";

const small: MambaLMConfigInput = { vocabSize: 264, dModel: 256, nLayers: 1, dState: 4, dtRank: 16 };
const tokenizer = byteTokenizer(small.vocabSize, [10]);

/** A folder with a model. */
async function savedFolder(input = small, dtype: "f32" | "f16" = "f32"): Promise<string> {
  const folder = await temporaryFolder();
  using model = MambaLM.init(hostKernel(), input, 7);
  await saveCheckpoint(model, folder, { tokenizer, dtype });
  return folder;
}

/** A GGUF file with the same model. */
async function savedGguf(type: GgufFileType, input = small): Promise<string> {
  const path = join(await temporaryFolder(), "model.gguf");
  using model = MambaLM.init(hostKernel(), input, 7);
  await saveGguf(model, path, { tokenizer, type });
  return path;
}

/** The bytes of a file, for comparisons that are faster than those of arrays. */
const bytesOf = async (path: string) => (await readFile(path)).toString("latin1");

describe("to GGUF", () => {
  test.each<[GgufFileType | undefined, MambaLMConfigInput]>([
    [undefined, small],
    ["q4_k_m", small],
    ["q8_0", { ...small, tieEmbeddings: false, innerNorms: "unweighted" }],
    ["f16", { ...small, convBias: false }],
  ])("%s: the bytes are those that saving the loaded model writes", async (type, input) => {
    const folder = await savedFolder(input, "f16");
    const [path, expected] = [
      join(await temporaryFolder(), "a.gguf"),
      join(await temporaryFolder(), "b.gguf"),
    ];
    const converted = await convertCheckpoint(folder, path, { type });
    const loaded = await loadCheckpoint(hostKernel(), folder);
    using model = loaded.model;
    const { notes } = await saveGguf(model, expected, { type, tokenizer: loaded.tokenizer });
    expect(await bytesOf(path)).toBe(await bytesOf(expected));
    expect(converted).toMatchObject({ notes, bytes: (await readFile(path)).length });
  });

  test("the error of each tensor is that of its values", async () => {
    const folder = await savedFolder();
    const path = join(await temporaryFolder(), "model.gguf");
    const seen: WrittenTensor[] = [];
    const { tensors } = await convertCheckpoint(folder, path, {
      type: "q4_0",
      onTensor: (tensor) => seen.push(tensor),
    });
    expect(tensors).toEqual(seen);
    const loaded = await loadCheckpoint(hostKernel(), folder);
    using model = loaded.model;
    const parameter = model.parameters.get("backbone.layers.0.mixer.out_proj.weight")!;
    const [values] = (await model.kernel.read(parameter)) as [Float32Array];
    const after = dequantize(quantize(values, "q4_0", 512), "q4_0");
    const errors = values.map((value, i) => after[i]! - value);
    const squares = (list: Float32Array) => list.reduce((sum, value) => sum + value * value, 0);
    const found = seen.find(({ name }) => name === "blk.0.ssm_out.weight");
    expect(found).toMatchObject({ from: "f32", to: "q4_0", shape: [256, 512], bytes: (256 * 512 * 18) / 32 });
    expect(found?.error.nmse).toBeCloseTo(squares(errors) / squares(values), 8);
    expect(found?.error.largest).toBeCloseTo(
      errors.reduce((most, error) => Math.max(most, Math.abs(error)), 0),
      8,
    );
    expect(seen.find(({ name }) => name === "blk.0.ssm_a")).toMatchObject({
      to: "f32",
      error: { nmse: 0, largest: 0 },
    });
  });

  test("a pickle", async () => {
    const weights = await torchModel(tensorsOf(tinyInput));
    const folder = await folderWith({ "config.json": tinyConfig, "pytorch_model.bin": weights });
    const [path, expected] = [join(folder, "a.gguf"), join(folder, "b.gguf")];
    await convertCheckpoint(folder, path, { type: "q8_0" });
    using model = (await loadCheckpoint(hostKernel(), folder)).model;
    await saveGguf(model, expected, { type: "q8_0" });
    expect(await bytesOf(path)).toBe(await bytesOf(expected));
  });

  test("tensors whose type stays pass byte for byte, also -exp(A_log), and so do the metadata that are not about storage", async () => {
    const path = join(await temporaryFolder(), "model.gguf");
    using model = MambaLM.init(hostKernel(), small, 7);
    const metadata = new Map([["general.author", { type: "string", value: "A. Author" }]] as const);
    await saveGguf(model, path, { tokenizer, type: "q8_0", metadata, name: "Named" });
    const [same, smaller] = [
      join(await temporaryFolder(), "a.gguf"),
      join(await temporaryFolder(), "b.gguf"),
    ];
    await convertCheckpoint(path, same);
    expect(await bytesOf(same)).toBe(await bytesOf(path));
    await convertCheckpoint(path, smaller, { type: "q4_k_m" });
    await using before = await openGguf(path);
    await using after = await openGguf(smaller);
    expect(await after.read("blk.0.ssm_a")).toEqual(await before.read("blk.0.ssm_a"));
    expect(after.metadata.get("general.author")).toEqual({ type: "string", value: "A. Author" });
    expect(after.metadata.get("general.name")).toEqual({ type: "string", value: "Named" });
  });

  test("a source that only reads forward is read once, in the order of its bytes", async () => {
    const folder = await savedFolder(small, "f16"); // its f32 tensors come first
    const bytes = new Map<string, Uint8Array>();
    for (const name of await readdir(folder)) bytes.set(name, await readFile(join(folder, name)));
    let opened = 0;
    const files = {
      label: "stream",
      open: (name: string) => {
        const found = bytes.get(name);
        if (name === "model.safetensors") opened++;
        return Promise.resolve(
          found && streamSource(new Blob([found as BlobPart]).stream(), name, found.length),
        );
      },
    };
    const path = join(await temporaryFolder(), "model.gguf");
    await convert(files, path, { type: "q8_0" }, true);
    expect(opened).toBeLessThanOrEqual(3); // header, check of the names, values
    const other = join(await temporaryFolder(), "model.gguf");
    await convertCheckpoint(folder, other, { type: "q8_0" });
    await using a = await openGguf(path);
    await using b = await openGguf(other);
    expect([...a.tensors.keys()]).not.toEqual([...b.tensors.keys()]);
    for (const name of b.tensors.keys()) {
      const [found, expected] = [await a.read(name), await b.read(name)];
      expect(Buffer.compare(found, expected), name).toBe(0);
    }
  });
});

describe("to a folder", () => {
  test("a quantised file is dequantised to the values that a load gives, and the tokenizer goes along", async () => {
    const path = await savedGguf("q4_k_m");
    const folder = join(await temporaryFolder(), "new");
    const { notes } = await convertCheckpoint(path, folder);
    expect(notes).toEqual([expect.stringContaining("they are written as f32") as string]);
    const a = await loadCheckpoint(hostKernel(), path, { dtype: "f32" });
    const b = await loadCheckpoint(hostKernel(), folder);
    using before = a.model;
    using after = b.model;
    expect(b.tokenizer).toMatchObject({ kind: "bytes", stopIds: [10] });
    expect(after.config).toEqual(before.config);
    for (const [name, tensor] of before.parameters) {
      const [values] = (await before.kernel.read(tensor)) as [HostArray];
      const [found] = (await after.kernel.read(after.parameters.get(name)!)) as [HostArray];
      expect(Buffer.from(found.buffer).equals(Buffer.from(values.buffer)), name).toBe(true);
    }
  });

  test("shards and other names of tensors become one file with the usual names", async () => {
    const parts = (await tinyFiles())["model.safetensors"] as Uint8Array;
    const folder = await folderWith({ "config.json": tinyConfig, "model.safetensors": parts });
    const target = join(await temporaryFolder(), "new");
    await convertCheckpoint(folder, target, { type: "bf16" });
    const { tensors, config } = await inspectCheckpoint(target);
    expect(config).toMatchObject({ dModel: tinyInput.dModel, nLayers: 2 });
    expect(tensors.find(({ name }) => name.endsWith("in_proj.weight"))?.dtype).toBe("BF16");
    expect(tensors.find(({ name }) => name.endsWith("A_log"))?.dtype).toBe("F32");
  });
});

describe("refuses", () => {
  test("types that the target cannot have", async () => {
    const folder = await savedFolder();
    const target = join(await temporaryFolder(), "new");
    expect(await refusal(() => convertCheckpoint(folder, target, { type: "q4_k_m" }))).toEqual({
      code: "DTYPE",
      message: `${target}: a folder holds safetensors, which have no q4_k_m; give a target that ends in .gguf, or one of the types f32, f16, bf16`,
    });
    const unknown = { type: "q9_z" as GgufFileType };
    expect(await refusal(() => convertCheckpoint(folder, `${target}.gguf`, unknown))).toMatchObject({
      code: "DTYPE",
      message: expect.stringContaining('the type "q9_z" is unknown; expected one of f32, f16') as string,
    });
  });

  test("files that are damaged, and leaves the old target as it was", async () => {
    const path = await savedGguf("q8_0");
    const folder = await savedFolder();
    const target = join(await temporaryFolder(), "new.gguf");
    await writeFile(target, "old");
    await truncate(path, 100_000);
    expect(await refusal(() => convertCheckpoint(path, target))).toMatchObject({ code: "TRUNCATED" });
    const weights = join(folder, "model.safetensors");
    const bytes = await readFile(weights);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(weights, bytes);
    expect(await refusal(() => convertCheckpoint(folder, target))).toMatchObject({ code: "CHECKSUM" });
    expect(await readFile(target, "utf8")).toBe("old");
    expect(await readdir(join(target, ".."))).toEqual(["new.gguf"]);
  });

  test("weights that are not finite, with their names", async () => {
    const weights = await safetensors(
      tensorsOf(tinyInput).map((tensor) =>
        tensor.name.endsWith("0.mixer.out_proj.weight")
          ? { ...f32Tensor(tensor.name, tensor.shape), bytes: () => new Uint8Array(16 * 24 * 4).fill(0xff) }
          : tensor,
      ),
    );
    const files = new Map([
      ["config.json", new TextEncoder().encode(JSON.stringify(tinyConfig))],
      ["model.safetensors", weights],
    ]);
    const target = join(await temporaryFolder(), "new.gguf");
    const found = await refusal(() => convertCheckpoint(blobFiles(files), target, { type: "f16" }));
    expect(found).toMatchObject({
      code: "NON_FINITE",
      message: expect.stringContaining("out_proj.weight") as string,
    });
  });

  test("a disk that is too small", async () => {
    const target = join(await temporaryFolder(), "a", "b.gguf");
    expect(await refusal(() => checkFreeSpace(target, 2 ** 60))).toMatchObject({
      code: "IO",
      message: expect.stringMatching(/b\.gguf: needs \d+ bytes, the disk of .* has \d+ free/) as string,
    });
  });
});
