import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LoraAdapter, mambaLinears, MambaLM, mergeAdapter } from "@mamba/core";
import { bytesSource, checksumKey } from "@mamba/core/safetensors";
import { createCpuKernel } from "@mamba/kernel-cpu";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAdapter } from "../src/adapter/read.ts";
import { CheckpointError } from "../src/errors.ts";
import {
  adapterConfig,
  loadAdapter,
  openSafetensors,
  saveAdapter,
  saveCheckpoint,
  type TensorToWrite,
} from "../src/index.ts";
import { f32Tensor, rawSafetensors, safetensors } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyInput } from "./support/models.ts";
import { torchModel } from "./support/pickles.ts";
import { contentOf } from "./support/server.ts";

const prefix = "base_model.model.backbone.layers.";

const model = MambaLM.init(hostKernel(), tinyInput, 1);
const { kernel } = model;

async function valuesOf({ parameters }: LoraAdapter) {
  const values = await kernel.read(...parameters.values());
  return new Map([...parameters.keys()].map((name, i) => [name, values[i]]));
}

test("what is saved has PEFT's names and fields, and loads again bit by bit", async () => {
  const folder = join(await temporaryFolder(), "new");
  const input = { rank: 3, alpha: 1.5, targets: ["dt_proj", "in_proj"], base: "org/name" } as const;
  using adapter = LoraAdapter.init(model, input, 5);
  await saveAdapter(model, adapter, folder);
  expect((await readdir(folder)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  expect(JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8"))).toMatchObject({
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "org/name",
    r: 3,
    lora_alpha: 1.5,
    target_modules: ["in_proj", "dt_proj"],
    bias: "none",
    fan_in_fan_out: false,
  });
  await using file = await openSafetensors(join(folder, "adapter_model.safetensors"));
  expect(file.metadata).toEqual({
    format: "pt",
    [checksumKey]: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  expect([...file.tensors.values()].map(({ name, shape, dtype }) => [name, shape, dtype])).toEqual(
    [0, 1].flatMap((i) => [
      [`${prefix}${i}.mixer.in_proj.lora_A.weight`, [3, 16], "F32"],
      [`${prefix}${i}.mixer.in_proj.lora_B.weight`, [48, 3], "F32"],
      [`${prefix}${i}.mixer.dt_proj.lora_A.weight`, [3, 2], "F32"],
      [`${prefix}${i}.mixer.dt_proj.lora_B.weight`, [24, 3], "F32"],
    ]),
  );
  using again = await loadAdapter(model, folder);
  expect(again.config).toEqual(adapter.config);
  expect(await valuesOf(again)).toEqual(await valuesOf(adapter));
});

/** The files of an adapter of rank 2 on `out_proj`; `change` edits its tensors. */
async function files(
  config: object = {},
  change: (tensors: TensorToWrite[]) => TensorToWrite[] = (tensors) => tensors,
) {
  const tensors = [0, 1].flatMap((i) => [
    f32Tensor(`${prefix}${i}.mixer.out_proj.lora_A.weight`, [2, 24], i + 1),
    f32Tensor(`${prefix}${i}.mixer.out_proj.lora_B.weight`, [16, 2], i + 3),
  ]);
  const written = adapterConfig({
    ...{ rank: 2, alpha: 4, rankStabilized: false },
    ...{ targets: ["out_proj"], base: undefined },
  });
  return {
    "adapter_config.json": { ...written, ...config },
    "adapter_model.safetensors": await safetensors(change(tensors)),
  };
}

test("fields of old and new versions that change nothing are no obstacle; halves become f32", async () => {
  const folder = await folderWith(
    await files(
      {
        enable_lora: null,
        merge_weights: false,
        lora_dropout: 0.1,
        exclude_modules: null,
        eva_config: null,
        trainable_token_indices: null,
        init_lora_weights: "gaussian",
        peft_version: "0.18.0",
        task_type: null,
      },
      (tensors) =>
        tensors.map((tensor) => ({
          ...tensor,
          dtype: "F16",
          bytes: () =>
            new Uint8Array(new Uint16Array(tensor.shape[0]! * tensor.shape[1]!).fill(0x3c00).buffer),
        })),
    ),
  );
  using adapter = await loadAdapter(model, folder);
  for (const values of (await valuesOf(adapter)).values()) expect(new Set(values)).toEqual(new Set([1]));
});

test("adapter_model.bin of older versions is read when there are no safetensors", async () => {
  const whole = await files();
  const tensors: TensorToWrite[] = [];
  await files({}, (all) => {
    tensors.push(...all);
    return all;
  });
  const { "adapter_config.json": config } = whole;
  const pickled = { "adapter_config.json": config, "adapter_model.bin": await torchModel(tensors) };
  using adapter = await loadAdapter(model, await folderWith(pickled));
  using twin = await loadAdapter(model, await folderWith(whole));
  expect(await valuesOf(adapter)).toEqual(await valuesOf(twin));
});

describe("refuses, and leaves no memory:", () => {
  async function expectRefused(content: Record<string, unknown>, code: string, message: string) {
    const before = kernel.memory();
    const folder = await folderWith(content);
    expect(await refusal(() => loadAdapter(model, folder))).toEqual({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect(kernel.memory()).toEqual(before);
  }

  test.each<[object, string, string]>([
    [{ use_dora: true }, "UNSUPPORTED_ADAPTER", "adapters with use_dora true cannot be loaded"],
    [{ bias: "all" }, "UNSUPPORTED_ADAPTER", 'bias "all"'],
    [{ lora_bias: true }, "UNSUPPORTED_ADAPTER", "lora_bias true"],
    [{ fan_in_fan_out: true }, "UNSUPPORTED_ADAPTER", "fan_in_fan_out true"],
    [{ peft_type: "IA3" }, "UNSUPPORTED_ADAPTER", 'peft_type "IA3"'],
    [{ task_type: "SEQ_CLS" }, "UNSUPPORTED_ADAPTER", 'task_type "SEQ_CLS"'],
    [{ init_lora_weights: "pissa_niter_4" }, "UNSUPPORTED_ADAPTER", 'init_lora_weights "pissa_niter_4"'],
    [{ rank_pattern: { in_proj: 3 } }, "UNSUPPORTED_ADAPTER", "rank_pattern an object"],
    [{ alpha_pattern: { in_proj: 3 } }, "UNSUPPORTED_ADAPTER", "alpha_pattern an object"],
    [{ modules_to_save: ["lm_head"] }, "UNSUPPORTED_ADAPTER", 'modules_to_save ["lm_head"]'],
    [{ loftq_config: { bits: 4 } }, "UNSUPPORTED_ADAPTER", "loftq_config"],
    [{ an_option_of_tomorrow: 1 }, "UNSUPPORTED_ADAPTER", "an_option_of_tomorrow 1"],
    [{ target_modules: "all-linear" }, "MISSING_TENSOR", "0.mixer.in_proj.lora_A.weight"],
    [{ target_modules: ["embeddings"] }, "MISSING_TENSOR", "backbone.embeddings.lora_embedding_A [2, 300]"],
    [
      { target_modules: ["conv1d"] },
      "UNSUPPORTED_ADAPTER",
      'adapters of "conv1d" cannot be loaded, only of embeddings',
    ],
    [{ target_modules: 7 }, "UNSUPPORTED_ADAPTER", "adapters of 7"],
    [{ target_modules: [null] }, "UNSUPPORTED_ADAPTER", "adapters of null"],
    [{ target_modules: [] }, "CONFIG", "targets must be some of"],
    [{ target_modules: null }, "CONFIG", "the field target_modules is missing"],
    [{ r: 0 }, "CONFIG", "r must be a whole number"],
    [{ r: 1e9 }, "CONFIG", "rank must be a whole number from 1 to 65536"],
    [{ r: "8" }, "CONFIG", "r must be a whole number"],
    [{ r: null }, "CONFIG", "the field r is missing"],
    [{ lora_alpha: null }, "CONFIG", "the field lora_alpha is missing"],
    [{ lora_alpha: -1 }, "CONFIG", "alpha must be a number above 0"],
    [{ peft_type: null }, "CONFIG", "the field peft_type is missing"],
    [{ base_model_name_or_path: 7 }, "CONFIG", "base_model_name_or_path must be a string"],
    [{ r: 3 }, "TENSOR_SHAPE", "must be [3, 24] by the config, got [2, 24]"],
    [{ r: 65536 }, "TENSOR_SHAPE", "must be [65536, 24]"],
    [{ target_modules: ["out_proj", "in_proj"] }, "MISSING_TENSOR", "0.mixer.in_proj.lora_A.weight [2, 16]"],
    [{ target_modules: ["in_proj"] }, "MISSING_TENSOR", "in_proj.lora_A.weight"],
  ])("%j", async (config, code, message) => {
    await expectRefused(await files(config), code, message);
  });

  test("tensors that are not those of the config", async () => {
    const rename = (tensors: TensorToWrite[]) =>
      tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace("base_model.model.", "") }));
    await expectRefused(await files({}, rename), "MISSING_TENSOR", "requires base_model.model.backbone");
    const head = f32Tensor("base_model.model.lm_head.lora_A.weight", [2, 16]);
    await expectRefused(await files({}, (tensors) => [...tensors, head]), "EXTRA_TENSOR", "lm_head.lora_A");
    const magnitude = f32Tensor(`${prefix}0.mixer.out_proj.lora_magnitude_vector`, [16]);
    await expectRefused(
      await files({}, (tensors) => [...tensors, magnitude]),
      "EXTRA_TENSOR",
      "lora_magnitude_vector",
    );
    const whole = (tensors: TensorToWrite[]) =>
      tensors.map((tensor) => ({ ...tensor, dtype: "I32" as const }));
    await expectRefused(await files({}, whole), "DTYPE", "is I32");
  });

  test("files that are missing, pickled or damaged", async () => {
    const whole = await files();
    const { "adapter_config.json": config, "adapter_model.safetensors": weights } = whole;
    await expectRefused({}, "NOT_FOUND", "there is no adapter_config.json");
    await expectRefused({ "adapter_config.json": config }, "NO_WEIGHTS", "adapter_model.safetensors");
    await expectRefused(
      { "adapter_config.json": config, "adapter_model.bin": "PK\x03\x04" },
      "TRUNCATED",
      "adapter_model.bin",
    );
    await expectRefused({ ...whole, "adapter_config.json": "{" }, "JSON", "adapter_config.json");
    await expectRefused({ ...whole, "adapter_config.json": '{"r": 1, "r": 2}' }, "DUPLICATE_KEY", '"r"');
    await expectRefused(
      { ...whole, "adapter_config.json": " ".repeat(2 ** 20 + 1) },
      "TOO_LARGE",
      "1048576 bytes",
    );
    await expectRefused(
      { ...whole, "adapter_model.safetensors": weights.subarray(0, -4) },
      "TRUNCATED",
      "the file has",
    );
    const huge = {
      [`${prefix}0.mixer.out_proj.lora_A.weight`]: {
        dtype: "F32",
        shape: [2 ** 30, 2 ** 20],
        data_offsets: [0, 2 ** 52],
      },
    };
    await expectRefused(
      { ...whole, "adapter_model.safetensors": rawSafetensors(huge, 8) },
      "TRUNCATED",
      "need",
    );
  });

  test("an adapter of another model", async () => {
    const folder = await folderWith(await files());
    const others = [
      [{ dInner: 32 }, "must be [2, 32] by the config"],
      [{ nLayers: 3 }, "layers.2.mixer.out_proj.lora_A.weight [2, 24], which is missing"],
      [{ nLayers: 1 }, "no place for the tensor"],
    ] as const;
    for (const [change, message] of others) {
      using model = MambaLM.init(kernel, { ...tinyInput, ...change });
      expect((await refusal(() => loadAdapter(model, folder))).message).toContain(message);
    }
  });
});

test("a damaged adapter loads, or is a CheckpointError and leaves no tensors", async () => {
  const whole = await files();
  const json = JSON.stringify(whole["adapter_config.json"]);
  const damage = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  const hitBy = (bytes: Uint8Array, hits: readonly { at: number; byte: number }[]) => {
    const copy = new Uint8Array(bytes);
    for (const { at, byte } of hits) copy[at % Math.min(copy.length, 1024)] = byte;
    return copy;
  };
  const before = kernel.memory();
  let loaded = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(damage, { maxLength: 2 }),
      fc.array(damage, { maxLength: 2 }),
      async (one, two) => {
        const content: Record<string, Uint8Array> = {
          "adapter_config.json": hitBy(contentOf(json), one),
          "adapter_model.safetensors": hitBy(whole["adapter_model.safetensors"], two),
        };
        try {
          const open = (name: string) => Promise.resolve(content[name] && bytesSource(content[name], name));
          (await readAdapter(model, { label: "memory", open }, {})).dispose();
          loaded++;
        } catch (error) {
          if (!CheckpointError.is(error)) throw error;
        }
        expect(kernel.memory()).toEqual(before);
      },
    ),
    { numRuns: 500 },
  );
  expect(loaded).toBeGreaterThan(0);
});

test("writing over an adapter that cannot be read leaves it as it was", async () => {
  const folder = await folderWith(await files());
  const path = join(folder, "adapter_model.safetensors");
  const before = await readFile(path);
  using adapter = LoraAdapter.init(model, { rank: 2, targets: mambaLinears });
  const failing = { ...kernel, read: () => Promise.reject(new Error("device lost")) };
  const { config, linears } = model;
  await expect(saveAdapter({ config, linears, kernel: failing }, adapter, folder)).rejects.toThrow(
    "device lost",
  );
  expect(await readFile(path)).toEqual(before);
  expect((await readdir(folder)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  await writeFile(join(folder, "file"), "");
  expect((await refusal(() => saveAdapter(model, adapter, join(folder, "file")))).code).toMatch(
    /IO|NOT_FOUND/,
  );
});

describe("adapters of PEFT beyond plain LoRA on one kind of layer", () => {
  const noise = f32Tensor;
  const input = { ...tinyInput, tieEmbeddings: false };

  /** Loads an adapter with these tensors into a model with its own head. */
  async function load(config: object, tensors: readonly TensorToWrite[], own = input) {
    const base = MambaLM.init(kernel, own, 1);
    const written = adapterConfig({
      ...{ rank: 2, alpha: 4, rankStabilized: false },
      ...{ targets: ["out_proj"], base: undefined },
    });
    const folder = await folderWith({
      "adapter_config.json": { ...written, ...config },
      "adapter_model.safetensors": await safetensors(tensors),
    });
    try {
      const adapter = await loadAdapter(base, folder);
      return { adapter, base };
    } catch (error) {
      base.dispose();
      throw error;
    }
  }
  const sizes = { in_proj: [48, 16], x_proj: [10, 24], dt_proj: [24, 2], out_proj: [16, 24] } as const;
  const pair = (layer: number, name: keyof typeof sizes) => [
    noise(`${prefix}${layer}.mixer.${name}.lora_A.weight`, [2, sizes[name][1]], layer + 1),
    noise(`${prefix}${layer}.mixer.${name}.lora_B.weight`, [sizes[name][0], 2], layer + 5),
  ];
  const embedding = [
    noise("base_model.model.backbone.embeddings.lora_embedding_A", [2, 300], 3),
    noise("base_model.model.backbone.embeddings.lora_embedding_B", [16, 2], 4),
  ];
  const head = [
    noise("base_model.model.lm_head.lora_A.weight", [2, 16], 5),
    noise("base_model.model.lm_head.lora_B.weight", [300, 2], 6),
  ];

  test("rank-stabilized: the update is scaled by alpha / sqrt(rank), and the field is written", async () => {
    const { adapter, base } = await load({ use_rslora: true }, [
      ...pair(0, "out_proj"),
      ...pair(1, "out_proj"),
    ]);
    expect(adapter.updateOf("backbone.layers.1.mixer.out_proj")?.scale).toBeCloseTo(4 / Math.sqrt(2), 12);
    expect(adapterConfig(adapter.config)).toMatchObject({ use_rslora: true });
    adapter.dispose();
    base.dispose();
  });

  test.each<[string, object, TensorToWrite[], string[]]>([
    [
      "all-linear",
      { target_modules: "all-linear" },
      [0, 1].flatMap((i) => (Object.keys(sizes) as (keyof typeof sizes)[]).flatMap((name) => pair(i, name))),
      ["in_proj", "x_proj", "dt_proj", "out_proj"],
    ],
    [
      "a pattern",
      { target_modules: ".*\\.(in|out)_proj" },
      [0, 1].flatMap((i) => [...pair(i, "in_proj"), ...pair(i, "out_proj")]),
      ["in_proj", "out_proj"],
    ],
    [
      "a hostile pattern",
      { target_modules: "(a+)+$".repeat(50) },
      [...pair(0, "in_proj")],
      ["backbone.layers.0.mixer.in_proj"],
    ],
    ["a layer", { layers_to_transform: [1] }, pair(1, "out_proj"), ["backbone.layers.1.mixer.out_proj"]],
    [
      "a module left out",
      { exclude_modules: ["layers.0.mixer.out_proj"] },
      pair(1, "out_proj"),
      ["backbone.layers.1.mixer.out_proj"],
    ],
    [
      "a module by its path",
      { target_modules: ["layers.1.mixer.x_proj"] },
      pair(1, "x_proj"),
      ["layers.1.mixer.x_proj"],
    ],
    ["the head", { target_modules: ["lm_head"] }, head, ["lm_head"]],
    [
      "the table and a layer",
      { target_modules: ["embeddings", "out_proj"] },
      [...embedding, ...pair(0, "out_proj"), ...pair(1, "out_proj")],
      ["embeddings", "out_proj"],
    ],
  ])("%s: loads, and what is saved loads as the same adapter", async (_, config, tensors, targets) => {
    const { adapter, base } = await load(config, tensors);
    expect(adapter.config.targets).toEqual(targets);
    expect(adapter.parameters.size).toBe(tensors.length);
    base.attach(adapter);
    const folder = await temporaryFolder();
    await saveAdapter(model, adapter, folder);
    await using file = await openSafetensors(join(folder, "adapter_model.safetensors"));
    for (const tensor of tensors) expect(await file.read(tensor.name)).toEqual(await tensor.bytes());
    using again = await loadAdapter(base, folder);
    expect(again.config).toEqual(adapter.config);
    expect(await valuesOf(again)).toEqual(await valuesOf(adapter));
    adapter.dispose();
    base.dispose();
  });

  test("a pattern whose file adapts other modules than those of the model is refused", async () => {
    const other = [noise(`${prefix}0.attention.q_proj.lora_A.weight`, [2, 16])];
    expect(await refusal(() => load({ target_modules: ".*" }, other))).toMatchObject({
      code: "UNSUPPORTED_ADAPTER",
      message: expect.stringContaining(
        'adapters of "backbone.layers.0.attention.q_proj" cannot be loaded',
      ) as string,
    });
  });

  test("copies of the model's table and head beside the adapter must be those of the model", async () => {
    const [own] = (await kernel.read(MambaLM.init(kernel, input, 1).parameters.get("lm_head.weight")!)) as [
      Float32Array,
    ];
    const copy = (values: Float32Array): TensorToWrite => ({
      ...{ name: "base_model.model.lm_head.base_layer.weight", dtype: "F32", shape: [300, 16] },
      bytes: () => new Uint8Array(values.slice().buffer),
    });
    const { adapter, base } = await load({ target_modules: ["lm_head"] }, [...head, copy(own)]);
    adapter.dispose();
    base.dispose();
    const changed = own.slice();
    changed[7]! += 1;
    expect(
      await refusal(() => load({ target_modules: ["lm_head"] }, [...head, copy(changed)])),
    ).toMatchObject({
      code: "UNSUPPORTED_ADAPTER",
      message: expect.stringContaining("is not the weight of this model") as string,
    });
  });

  test("logits with updates of the table and the head are those of float64, and of the merged model", async () => {
    await using cpu = await createCpuKernel({ threads: 1 });
    const own = MambaLM.init(cpu, input, 1);
    const tensors = [...embedding, ...head];
    const folder = await folderWith({
      "adapter_config.json": {
        ...adapterConfig({
          ...{ rank: 2, alpha: 4, rankStabilized: false },
          ...{ targets: ["lm_head", "embeddings"], base: undefined },
        }),
      },
      "adapter_model.safetensors": await safetensors(tensors),
    });
    using adapter = await loadAdapter(own, folder);
    // The same sums in float64: W + 2 B A.
    const [eA, eB, hA, hB] = (await Promise.all(
      tensors.map(async (tensor) => new Float32Array((await tensor.bytes()).slice().buffer)),
    )) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const dense = new Map(
      await Promise.all(
        [...own.parameters].map(
          async ([name, tensor]) => [name, (await cpu.read(tensor))[0] as Float32Array] as const,
        ),
      ),
    );
    const table = dense.get("backbone.embeddings.weight")!;
    const lmHead = dense.get("lm_head.weight")!;
    for (let v = 0; v < 300; v++) {
      for (let d = 0; d < 16; d++) {
        table[v * 16 + d]! += 2 * (eB[d * 2]! * eA[v]! + eB[d * 2 + 1]! * eA[300 + v]!);
        lmHead[v * 16 + d]! += 2 * (hB[v * 2]! * hA[d]! + hB[v * 2 + 1]! * hA[16 + d]!);
      }
    }
    const merged = new MambaLM(
      cpu,
      own.config,
      new Map(
        [...own.parameters].map(([name, { shape }]) => [name, cpu.upload(dense.get(name)!, shape, "f32")]),
      ),
    );
    const logits = async (model: MambaLM) => {
      using ids = cpu.upload(Int32Array.of(1, 299, 7, 7, 30), [1, 5], "i32");
      using y = model.forward(ids);
      return (await cpu.read(y))[0] as Float32Array;
    };
    const far = (a: Float32Array, b: Float32Array) =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
    const expected = await logits(merged);
    const plain = await logits(own);
    own.attach(adapter);
    expect(far(await logits(own), expected)).toBeLessThan(2e-5);
    expect(far(plain, expected)).toBeGreaterThan(1e-2);
    await mergeAdapter(own, adapter);
    expect(far(await logits(own), expected)).toBeLessThan(2e-5);
    own.dispose();
    merged.dispose();
  });

  test("a model whose head is its table can have such an adapter attached, but not merged", async () => {
    const { adapter, base } = await load(
      { target_modules: ["embeddings"] },
      embedding,
      tinyInput as typeof input,
    );
    base.attach(adapter);
    await expect(mergeAdapter(base, adapter)).rejects.toMatchObject({
      code: "PARAMETER",
      message: expect.stringContaining("it can be attached but not merged") as string,
    });
    await expect(saveCheckpoint(base, await temporaryFolder(), { adapter: "merge" })).rejects.toMatchObject({
      code: "PARAMETER",
    });
    adapter.dispose();
    base.dispose();
  });
});
