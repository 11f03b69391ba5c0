import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  bidirectionalMamba,
  type ImagesData,
  LoraAdapter,
  MambaLM,
  type ModelData,
  type SequenceConfigInput,
  SequenceModel,
  type SeriesData,
  type VisionConfigInput,
  VisionMamba,
} from "@mamba/core";
import { fromFloat32, type HostArray, type Kernel, type Tensor } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { loadModel as loadInBrowser } from "../src/browser.ts";
import {
  inspectCheckpoint,
  inspectModel,
  loadAdapter,
  loadCheckpoint,
  loadModel,
  modelFiles,
  openSafetensors,
  saveAdapter,
  saveCheckpoint,
  type SavedModel,
  saveModel,
} from "../src/index.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyInput } from "./support/models.ts";

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));

const block = { dModel: 8, nLayers: 2, dState: 3, dtRank: 2, dConv: 3 } as const;
const images = { ...block, height: 8, width: 6, channels: 3, patchSize: 4, stride: 2, classes: 3 } as const;
const series = {
  ...block,
  input: { kind: "values", channels: 3 },
  pooling: "last",
  outputs: 8,
} as const;

const imagesData: ImagesData = {
  kind: "images",
  height: 8,
  width: 6,
  channels: 3,
  mean: [0.5, 0.25, 0.1],
  std: [1, 0.3, 1 / 3],
  labels: ["cat", "dög", "__proto__"],
};
const seriesData: SeriesData = {
  kind: "series",
  columns: ["a", "b", "c"],
  targets: ["c", "a"],
  mean: [0, 1e-20, -3.25],
  std: [1, 2, 0.1],
  context: 30,
  horizon: 2,
  levels: [0.1, 0.9],
};

type Described = [what: string, make: (kernel: Kernel) => SavedModel, data: ModelData | undefined];
const vision = (what: string, change: Partial<VisionConfigInput>, data?: ModelData): Described => [
  what,
  (kernel) => VisionMamba.init(kernel, { ...images, ...change }, 3),
  data,
];
const sequence = (what: string, change: Partial<SequenceConfigInput>, data?: ModelData): Described => [
  what,
  (kernel) => SequenceModel.init(kernel, { ...series, ...change }, 3),
  data,
];
const models: readonly Described[] = [
  vision("images with overlapping patches", {}, imagesData),
  vision("images, mean pooling, no data", { pooling: "mean", stride: 4, height: 4, width: 8, dropout: 0.1 }),
  vision("images, class token first, undivided", { classToken: "first", divideOutput: false, bias: true }),
  sequence("a causal series", {}, seriesData),
  sequence("a bidirectional series", { direction: "bidirectional", pooling: "mean", convBias: false }),
  sequence("tokens", { input: { kind: "tokens", vocabSize: 7 }, pooling: "max", innerNorms: "weighted" }),
  sequence(
    "muP",
    { mupBaseWidth: 4, pooling: "none", dropout: 0.25 },
    { ...seriesData, horizon: 1, levels: [0.1, 0.2, 0.3, 0.4] },
  ),
];

async function valuesOf(kernel: Kernel, { parameters }: { parameters: ReadonlyMap<string, Tensor> }) {
  const values = new Map<string, HostArray>();
  for (const [name, tensor] of parameters) values.set(name, (await kernel.read(tensor))[0] as HostArray);
  return values;
}

test.each(models)(
  "%s: what is saved loads again, and load then save gives the same bytes",
  async (_, make, data) => {
    const kernel = hostKernel();
    using model = make(kernel);
    for (const dtype of data ? (["f32", "f16", "bf16"] as const) : (["f32"] as const)) {
      const [first, second] = [join(await temporaryFolder(), "new"), await temporaryFolder()];
      await saveModel(model, first, { data, dtype });
      expect((await readdir(first)).sort()).toEqual(["config.json", "model.safetensors"]);
      const loaded = await loadModel(kernel, first);
      if (loaded.kind === "language") throw new Error("not a language model");
      using again = loaded.model;
      expect(loaded).toMatchObject({ kind: model.kind, label: first, notes: [] });
      expect(loaded.data).toEqual(data);
      expect(again.config).toEqual(model.config);
      if (dtype === "f32") expect(await valuesOf(kernel, again)).toEqual(await valuesOf(kernel, model));
      await saveModel(again, second, { data: loaded.data });
      // In memory, and in a browser, the files are the same.
      const files = await modelFiles(again, { data: loaded.data });
      expect([...files.keys()].sort()).toEqual(["config.json", "model.safetensors"]);
      for (const [name, bytes] of files) {
        const written = await readFile(join(first, name));
        expect([name, (await readFile(join(second, name))).equals(written)]).toEqual([name, true]);
        expect([name, written.equals(bytes)]).toEqual([name, true]);
      }
      const inBrowser = await loadInBrowser(kernel, files);
      expect(inBrowser).toMatchObject({ kind: model.kind, label: "the chosen files" });
      expect(await valuesOf(kernel, inBrowser.model)).toEqual(await valuesOf(kernel, again));
      inBrowser.model.dispose();
      const blobs = new Map([...files].map(([name, bytes]) => [name, new Blob([bytes as BlobPart])]));
      const fromBlobs = await loadModel(kernel, blobs, { dtype: "f32" });
      expect([...fromBlobs.model.parameters.values()].every((tensor) => tensor.dtype === "f32")).toBe(true);
      fromBlobs.model.dispose();
    }
  },
);

test.each([
  ["vision", "logits"],
  ["sequence", "y"],
] as const)("%s: a folder that PyTorch wrote gives its results", async (name, result) => {
  const folder = `${goldens}${name}`;
  await using kernel = await createCpuKernel({ threads: 1 });
  await using expected = await openSafetensors(`${folder}/expected.safetensors`);
  const read = async (key: string) => new Float32Array((await expected.read(key)).buffer);
  const loaded = await loadModel(kernel, folder);
  if (loaded.kind === "language") throw new Error("not a language model");
  const { model, data } = loaded;
  using x = kernel.upload(await read("x"), expected.tensors.get("x")!.shape, "f32");
  using y = model.forward(x);
  const reference = await read(result);
  const [actual] = await kernel.read(y);
  expect(actual).toHaveLength(reference.length);
  reference.forEach((value, i) => {
    expect(Math.abs((actual?.[i] ?? NaN) - value)).toBeLessThan(1e-5);
  });
  expect(data?.kind).toBe(name === "vision" ? "images" : "series");
  model.dispose();
});

test("the files have the official names and shapes", async () => {
  const folder = await temporaryFolder();
  using model = VisionMamba.init(hostKernel(), images);
  await saveModel(model, folder, { data: imagesData });
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  const shapes = Object.fromEntries([...file.tensors].map(([name, { shape }]) => [name, shape]));
  expect(shapes).toMatchObject({
    cls_token: [1, 1, 8],
    pos_embed: [1, 7, 8],
    "patch_embed.proj.weight": [8, 3, 4, 4],
    "patch_embed.proj.bias": [8],
    "layers.1.mixer.conv1d_b.weight": [16, 1, 3],
    "layers.1.mixer.A_b_log": [16, 3],
    "norm_f.weight": [8],
    "head.weight": [3, 8],
    "head.bias": [3],
  });
  const json = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as object;
  expect(json).toMatchObject({
    model_type: "mamba_ts_vision",
    torch_dtype: "float32",
    mamba_ts: { config: { ...images, pooling: "class", classToken: "middle" }, data: imagesData },
  });
});

test("a missing tensor is named with the likeliest other one", async () => {
  const kernel = hostKernel();
  using model = SequenceModel.init(kernel, series);
  const files = await modelFiles(model);
  const text = new TextDecoder("latin1").decode(files.get("model.safetensors"));
  const renamed = text.replace('"head.bias"', '"head.Bias"');
  const bytes = Uint8Array.from(renamed, (c) => c.charCodeAt(0));
  const changed = new Map([...files, ["model.safetensors", bytes]]);
  expect(await refusal(() => loadModel(kernel, changed))).toEqual({
    code: "MISSING_TENSOR",
    message:
      'the chosen files: the config requires head.bias [8], which is missing; the likeliest in the file is "head.Bias" [8]',
  });
});

test("inspectModel describes a model of each kind", async () => {
  const kernel = hostKernel();
  using model = VisionMamba.init(kernel, images);
  const summary = await inspectModel(await modelFiles(model, { data: imagesData, dtype: "bf16" }));
  const count = [...model.specs].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(summary).toMatchObject({
    kind: "vision",
    config: model.config,
    data: imagesData,
    files: ["model.safetensors"],
    parameterCount: count,
    notes: [],
  });
  const folder = await temporaryFolder();
  using language = MambaLM.init(kernel, tinyInput);
  await saveCheckpoint(language, folder);
  const { kind, ...rest } = await inspectModel(folder);
  expect(kind).toBe("language");
  expect(rest).toEqual(await inspectCheckpoint(folder));
});

test("loadModel loads language models too, and loadCheckpoint names loadModel", async () => {
  const kernel = hostKernel();
  const folder = await temporaryFolder();
  using language = MambaLM.init(kernel, tinyInput);
  await saveCheckpoint(language, folder);
  const loaded = await loadModel(kernel, folder);
  expect(loaded).toMatchObject({ kind: "language", format: "mamba", data: undefined });
  expect(loaded.model.config).toEqual(language.config);
  loaded.model.dispose();

  using model = SequenceModel.init(kernel, series);
  const other = await temporaryFolder();
  await saveModel(model, other);
  for (const read of [() => loadCheckpoint(kernel, other), () => inspectCheckpoint(other)]) {
    expect(await refusal(read)).toEqual({
      code: "UNSUPPORTED_MODEL",
      message: `${join(other, "config.json")}: model_type "mamba_ts_sequence" is a sequence model and no language model; load it with loadModel, or use it with mamba predict`,
    });
  }
  expect(await refusal(() => saveModel(language as unknown as SavedModel, other))).toEqual({
    code: "UNSUPPORTED_MODEL",
    message: "the model must be a sequence or a vision model; save a language model with saveCheckpoint",
  });
});

test("a model with a stack of its own is refused, and nothing is written", async () => {
  const layers = [{ mixer: bidirectionalMamba(block) }];
  using model = SequenceModel.init(hostKernel(), {
    ...{ input: series.input, pooling: "mean", outputs: 2 },
    stack: { dModel: 8, norm: { eps: 1e-5, gain: true }, layers },
  });
  const folder = await temporaryFolder();
  expect(await refusal(() => saveModel(model, folder))).toMatchObject({ code: "UNSUPPORTED_MODEL" });
  expect(await readdir(folder)).toEqual([]);
});

test("an attached adapter is merged or omitted, as the caller says", async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  using model = VisionMamba.init(kernel, images, 5);
  using adapter = LoraAdapter.init(model, { rank: 2 }, 1);
  for (const [name, tensor] of adapter.parameters)
    if (name.endsWith("lora_B.weight"))
      kernel.write(tensor, 0, new Float32Array((tensor.shape[0] ?? 0) * 2).fill(0.1));
  const plain = await modelFiles(model);
  model.attach(adapter);
  expect(await refusal(() => modelFiles(model))).toMatchObject({ code: "ADAPTER" });
  expect(await modelFiles(model, { adapter: "omit" })).toEqual(plain);
  using input = kernel.zeros([1, 8, 6, 3], "f32");
  using attached = model.forward(input);
  const loaded = await loadModel(kernel, await modelFiles(model, { adapter: "merge" }));
  if (loaded.kind !== "vision") throw new Error("not a vision model");
  using merged = loaded.model.forward(input);
  const [expected, found] = (await kernel.read(attached, merged)) as [Float32Array, Float32Array];
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  loaded.model.dispose();
});

test("an adapter of a vision model is saved and loaded as that of a language model", async () => {
  const kernel = hostKernel();
  using model = VisionMamba.init(kernel, images, 5);
  using adapter = LoraAdapter.init(model, { rank: 2 }, 1);
  expect(adapter.config.targets).toEqual(["in_proj", "x_proj", "out_proj", "x_proj_b"]);
  const folder = await temporaryFolder();
  await saveAdapter(model, adapter, folder);
  using loaded = await loadAdapter(model, folder);
  expect(await valuesOf(kernel, loaded)).toEqual(await valuesOf(kernel, adapter));
});

test("a weight that is not finite, or becomes infinite, is refused at its place", async () => {
  const kernel = hostKernel();
  using model = VisionMamba.init(kernel, images);
  const weight = model.parameters.get("patch_embed.proj.weight")!;
  const values = (await kernel.read(weight))[0] as Float32Array;
  kernel.write(
    weight,
    0,
    values.map((value, i) => (i === 5 ? 1e6 : value)),
  );
  expect(await refusal(() => modelFiles(model, { dtype: "f16" }))).toMatchObject({
    code: "NON_FINITE",
    message: expect.stringContaining("patch_embed.proj.weight: element 5 is 1000000") as string,
  });
  expect(fromFloat32(Float32Array.of(1), "f16")).toHaveLength(1);
});

const wrongData: readonly [string, (data: Record<string, unknown>) => unknown, string][] = [
  ["no kind", ({ kind: _, ...rest }) => rest, "the field kind is missing"],
  [
    "another kind",
    (data) => ({ ...data, kind: "series" }),
    'the field kind must be "images" for a vision model, got "series"',
  ],
  [
    "an unknown field",
    (data) => ({ ...data, lables: [] }),
    'there is no field "lables"; did you mean labels?',
  ],
  [
    "another height",
    (data) => ({ ...data, height: 9 }),
    "the field height must be that of the model, 8, got 9",
  ],
  [
    "a mean too few",
    (data) => ({ ...data, mean: [1, 2] }),
    "the field mean must be 3 numbers, one for each channel, got [1, 2]",
  ],
  [
    "a std of 0",
    (data) => ({ ...data, std: [1, 0, 2] }),
    "the field std must be 3 numbers, one for each channel, above 0, got [1, 0, 2]",
  ],
  ["no std", ({ std: _, ...rest }) => rest, "the field std is missing"],
  [
    "labels twice",
    (data) => ({ ...data, labels: ["a", "b", "a"] }),
    "the field labels must be 3 different strings of at most 1000 characters",
  ],
  [
    "a label too many",
    (data) => ({ ...data, labels: ["a", "b", "c", "d"] }),
    "the field labels must be 3 different strings",
  ],
  [
    "labels of numbers",
    (data) => ({ ...data, labels: [1, 2, 3] }),
    "the field labels must be 3 different strings",
  ],
  ["a list", () => [], "must be an object, got []"],
];
test.each(wrongData)("data of images with %s is refused, saved or loaded", async (_, change, message) => {
  const kernel = hostKernel();
  using model = VisionMamba.init(kernel, images);
  const data = change({ ...imagesData }) as ImagesData;
  const saving = await refusal(() => modelFiles(model, { data }));
  expect(saving).toEqual({ code: "CONFIG", message: expect.stringContaining(message) as string });
  expect(saving.message).toMatch(/^data/);
  const loading = await refusal(async () =>
    loadModel(kernel, await withConfig(model, (own) => (own["data"] = data))),
  );
  expect(loading).toEqual({ code: "CONFIG", message: expect.stringContaining(message) as string });
  expect(loading.message).toMatch(/^config.json: mamba_ts/);
});

test.each<[string, object, string]>([
  ["a column too few", { columns: ["a", "b"] }, "the field columns must be 3 different strings"],
  ["a strange target", { targets: ["c", "d"] }, 'the field targets must be some of columns, got "d"'],
  ["no targets", { targets: [] }, "the field targets must be at least one different strings"],
  [
    "falling levels",
    { levels: [0.9, 0.1] },
    "the field levels must be increasing numbers above 0 and below 1",
  ],
  ["no context", { context: undefined }, "the field context is missing"],
  ["half a horizon", { horizon: 1.5 }, "the field horizon must be a whole number"],
  [
    "other outputs",
    { horizon: 3 },
    "2 targets, 2 levels and horizon 3 need 4 outputs or 12, the model has 8",
  ],
  [
    "a mean that is no number",
    { mean: [1, "2", 3] },
    "the field mean must be 3 numbers, one for each column",
  ],
])("data of a series with %s is refused", async (_, change, message) => {
  using model = SequenceModel.init(hostKernel(), series);
  expect(await refusal(() => modelFiles(model, { data: { ...seriesData, ...change } }))).toEqual({
    code: "CONFIG",
    message: expect.stringContaining(message) as string,
  });
});

/** The files of a model with its `mamba_ts` changed. */
async function withConfig(
  model: SavedModel,
  change: (own: Record<string, unknown>) => unknown,
): Promise<Map<string, Uint8Array>> {
  const files = await modelFiles(model);
  const json = JSON.parse(new TextDecoder().decode(files.get("config.json"))) as {
    mamba_ts: Record<string, unknown>;
  };
  change(json.mamba_ts);
  return files.set("config.json", new TextEncoder().encode(JSON.stringify(json)));
}

test.each<[string, (own: Record<string, unknown>) => unknown, string, string]>([
  [
    "no config",
    (own) => delete own["config"],
    "CONFIG",
    "config.json: mamba_ts: the field config must be an object, got undefined",
  ],
  [
    "a config that is a list",
    (own) => (own["config"] = [1]),
    "CONFIG",
    "the field config must be an object, got [1]",
  ],
  [
    "a field misspelt",
    (own) => Object.assign(own["config"] as object, { patchsize: 3 }),
    "CONFIG",
    'there is no field "patchsize"; did you mean patchSize?',
  ],
  [
    "a huge side",
    (own) => Object.assign(own["config"] as object, { height: 1e9 }),
    "CONFIG",
    "config field height must be a whole number from 1 to 65536",
  ],
  [
    "a string for a number",
    (own) => Object.assign(own["config"] as object, { dModel: "8" }),
    "CONFIG",
    "config field dModel must be a whole number",
  ],
  [
    "null",
    (own) => Object.assign(own["config"] as object, { patchSize: null }),
    "CONFIG",
    "config field patchSize must be a whole number",
  ],
  [
    "another width",
    (own) => Object.assign(own["config"] as object, { dModel: 9 }),
    "TENSOR_SHAPE",
    '"cls_token" must be [1, 1, 9] by the config, got [1, 1, 8]',
  ],
  [
    "fewer layers",
    (own) => Object.assign(own["config"] as object, { nLayers: 1 }),
    "EXTRA_TENSOR",
    "the config has no place for the tensor",
  ],
  [
    "other fields",
    (own) => (own["date"] = {}),
    "CONFIG",
    'config.json: mamba_ts: there is no field "date"; did you mean data?',
  ],
])("a config.json with %s is refused", async (_, change, code, message) => {
  const kernel = hostKernel();
  using model = VisionMamba.init(kernel, images);
  const files = await withConfig(model, change);
  expect(await refusal(() => loadModel(kernel, files))).toEqual({
    code,
    message: expect.stringContaining(message) as string,
  });
});

test("a stack in a file, no config.json, and a config.json above its cap are refused", async () => {
  const kernel = hostKernel();
  using model = SequenceModel.init(kernel, series);
  const change = (own: Record<string, unknown>) => {
    const { input, pooling, outputs } = own["config"] as Record<string, unknown>;
    own["config"] = {
      input,
      pooling,
      outputs,
      stack: { dModel: 8, norm: { eps: 1e-5, gain: true }, layers: [{}] },
    };
  };
  const files = await withConfig(model, change);
  expect(await refusal(() => loadModel(kernel, files))).toMatchObject({ code: "CONFIG" });
  expect(await refusal(async () => loadModel(kernel, await folderWith({})))).toMatchObject({
    code: "NOT_FOUND",
  });
  const classes = 2000;
  using wide = VisionMamba.init(kernel, { ...images, classes });
  const labels = Array.from({ length: classes }, (_, i) => `${i}`.padStart(900, "x"));
  expect(await refusal(() => modelFiles(wide, { data: { ...imagesData, labels } }))).toMatchObject({
    code: "TOO_LARGE",
    message: expect.stringContaining("more than the 1048576 allowed; shorten the names in data") as string,
  });
});
