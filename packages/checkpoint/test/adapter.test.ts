import { checksumKey } from "@mamba/core/safetensors";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LoraAdapter, mambaLinears, MambaLM } from "@mamba/core";
import { bytesSource } from "@mamba/core/safetensors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAdapter } from "../src/adapter/read.ts";
import { CheckpointError } from "../src/errors.ts";
import {
  adapterConfig,
  loadAdapter,
  openSafetensors,
  saveAdapter,
  type TensorToWrite,
} from "../src/index.ts";
import { f32Tensor, rawSafetensors, safetensors } from "./support/files.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyInput } from "./support/models.ts";
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
  await saveAdapter(kernel, adapter, folder);
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
  const written = adapterConfig({ rank: 2, alpha: 4, targets: ["out_proj"], base: undefined });
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
    [{ use_rslora: true }, "UNSUPPORTED_ADAPTER", "use_rslora true"],
    [{ bias: "all" }, "UNSUPPORTED_ADAPTER", 'bias "all"'],
    [{ lora_bias: true }, "UNSUPPORTED_ADAPTER", "lora_bias true"],
    [{ fan_in_fan_out: true }, "UNSUPPORTED_ADAPTER", "fan_in_fan_out true"],
    [{ peft_type: "IA3" }, "UNSUPPORTED_ADAPTER", 'peft_type "IA3"'],
    [{ task_type: "SEQ_CLS" }, "UNSUPPORTED_ADAPTER", 'task_type "SEQ_CLS"'],
    [{ init_lora_weights: "pissa_niter_4" }, "UNSUPPORTED_ADAPTER", 'init_lora_weights "pissa_niter_4"'],
    [{ rank_pattern: { in_proj: 3 } }, "UNSUPPORTED_ADAPTER", "rank_pattern an object"],
    [{ alpha_pattern: { in_proj: 3 } }, "UNSUPPORTED_ADAPTER", "alpha_pattern an object"],
    [{ modules_to_save: ["lm_head"] }, "UNSUPPORTED_ADAPTER", 'modules_to_save ["lm_head"]'],
    [{ layers_to_transform: [0] }, "UNSUPPORTED_ADAPTER", "layers_to_transform [0]"],
    [{ loftq_config: { bits: 4 } }, "UNSUPPORTED_ADAPTER", "loftq_config"],
    [{ an_option_of_tomorrow: 1 }, "UNSUPPORTED_ADAPTER", "an_option_of_tomorrow 1"],
    [{ target_modules: "all-linear" }, "UNSUPPORTED_ADAPTER", 'target_modules "all-linear"'],
    [{ target_modules: ["embeddings"] }, "UNSUPPORTED_ADAPTER", 'adapters of "embeddings" cannot be loaded'],
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
    await expectRefused({ "adapter_config.json": config }, "NO_WEIGHTS", "no adapter_model.safetensors");
    await expectRefused(
      { "adapter_config.json": config, "adapter_model.bin": "PK" },
      "PICKLE",
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
  await expect(saveAdapter(failing, adapter, folder)).rejects.toThrow("device lost");
  expect(await readFile(path)).toEqual(before);
  expect((await readdir(folder)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  await writeFile(join(folder, "file"), "");
  expect((await refusal(() => saveAdapter(kernel, adapter, join(folder, "file")))).code).toMatch(
    /IO|NOT_FOUND/,
  );
});
