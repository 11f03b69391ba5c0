import { attention, experts, mamba2, mamba3, MambaLM, SequenceModel, VisionMamba } from "@mamba/core";
import type { Capabilities, TrainingKernel } from "@mamba/kernel";
import { expect, test } from "vitest";
import type { ArrayExample } from "../src/arrayExample.ts";
import { classifier } from "../src/arrays/classifier.ts";
import { regressor } from "../src/arrays/regressor.ts";
import type { ExampleSource } from "../src/dataSource.ts";
import { languageModel } from "../src/languageModel.ts";
import { type MemoryConfig, predictMemory } from "../src/memory/predictMemory.ts";
import type { Trainable } from "../src/trainable.ts";
import { Trainer } from "../src/trainer.ts";
import { counting, draws, kernel, watched } from "./support.ts";

const mib = 2 ** 20;

/** A trainable on a kernel, with data. */
interface Case<E> {
  readonly name: string;
  readonly make: (kernel: TrainingKernel) => {
    readonly trainable: Trainable<E>;
    readonly dispose: () => void;
  };
  readonly source: ExampleSource<E>;
  readonly chunks?: boolean;
}

function caseOf<E>(own: Case<E>): Case<unknown> {
  return own;
}

const arrays = (make: (index: number) => ArrayExample): ExampleSource<ArrayExample> => ({
  id: "arrays",
  count: undefined,
  example: make,
});

const cases = [
  caseOf({
    name: "a language model",
    make: (kernel) => {
      const model = MambaLM.init(kernel, { dModel: 32, nLayers: 4, vocabSize: 96 }, 1);
      return { trainable: languageModel(model), dispose: () => model.dispose() };
    },
    source: counting(150),
    chunks: true,
  }),
  caseOf({
    name: "a language model with bf16 weights, packed",
    make: (kernel) => {
      const model = MambaLM.init(kernel, { dModel: 32, nLayers: 2, vocabSize: 96 }, 1, { dtype: "bf16" });
      return { trainable: languageModel(model, { packTo: 100 }), dispose: () => model.dispose() };
    },
    source: counting(33),
  }),
  caseOf({
    name: "a hybrid with experts",
    make: (kernel) => {
      const common = { dModel: 32, nLayers: 2 };
      const ffn = experts({ ...common, dHidden: 24, experts: 4, perToken: 2, balance: 0.01 });
      const layers = [
        { mixer: mamba2({ ...common, headDim: 8, dState: 16 }), ffn },
        { mixer: mamba3({ ...common, headDim: 8, dState: 16 }) },
        { mixer: attention({ ...common, heads: 4, kvHeads: 2, rotary: { theta: 100 } }), ffn },
      ];
      const model = MambaLM.init(kernel, { dModel: 32, vocabSize: 96, layers }, 1);
      return { trainable: languageModel(model), dispose: () => model.dispose() };
    },
    source: counting(90),
  }),
  caseOf({
    name: "a bidirectional sequence model with quantiles",
    make: (kernel) => {
      const model = SequenceModel.init(kernel, {
        ...{ input: { kind: "values", channels: 3 }, direction: "bidirectional", pooling: "max", outputs: 6 },
        ...{ dModel: 24, nLayers: 3, dropout: 0.1 },
      });
      const trainable = regressor(model, { loss: { levels: [0.1, 0.5, 0.9] } });
      return { trainable, dispose: () => model.dispose() };
    },
    source: arrays((index) => ({ input: draws(3 * (60 + 9 * (index % 4)), index), target: draws(2, index) })),
  }),
  caseOf({
    name: "Vision Mamba",
    make: (kernel) => {
      const model = VisionMamba.init(kernel, {
        ...{ height: 28, width: 28, channels: 1, patchSize: 4, classes: 10 },
        ...{ dModel: 32, nLayers: 3, dropout: 0.1 },
      });
      return { trainable: classifier(model), dispose: () => model.dispose() };
    },
    source: arrays((index) => ({ input: draws(784, index), target: index % 10 })),
  }),
];

const forms: [string, MemoryConfig][] = [
  ["plain", {}],
  ["recompute", { recompute: true }],
  ["accumulation", { accumulation: 2 }],
];

for (const { name, make, source, chunks } of cases) {
  const own: [string, MemoryConfig][] = chunks ? [...forms, ["in chunks", { segmentLength: 40 }]] : forms;
  for (const [form, config] of own) {
    test(`the predicted memory of ${name}, ${form}, is within a tenth of the peak`, async () => {
      const { trainable, dispose } = make(kernel);
      const weights = trainable.specs.some(({ name }) => trainable.parameters.get(name)?.dtype === "bf16");
      const batchSize = 6;
      const examples = await Promise.all(Array.from({ length: batchSize }, (_, i) => source.example(i)));
      const found = predictMemory(trainable, examples, config);
      let peak = 0;
      {
        using trainer = new Trainer(trainable, source, {
          ...{ steps: 1, batchSize, weights: weights ? "bf16" : "f32" },
          ...config,
        });
        peak = await peakOf(() => trainer.advance());
      }
      dispose();
      expect(found.total / peak).toBeGreaterThan(0.9);
      expect(found.total / peak).toBeLessThan(1.1);
      const { total, largest: _, ...parts } = found;
      expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    });
  }
}

/** The most bytes of the heap in use during a call: tensors, and what ops free before they return. */
async function peakOf(run: () => Promise<unknown>): Promise<number> {
  const { heap } = (kernel as unknown as { runtime: { heap: Heap } }).runtime;
  const ofThreads = heap.liveBytes - kernel.memory().bytes; // and the rounding of tensors
  const allocate = heap.allocate.bind(heap);
  let most = 0;
  heap.allocate = function (...args) {
    const chunk = allocate(...args);
    most = Math.max(most, heap.liveBytes);
    return chunk;
  };
  try {
    await run();
  } finally {
    heap.allocate = allocate;
  }
  return most - ofThreads;
}

interface Heap {
  readonly liveBytes: number;
  allocate: (bytes: number, op: string) => unknown;
}

const big = () => MambaLM.init(kernel, { dModel: 32, nLayers: 6, vocabSize: 64 }, 1);

test("a step that cannot fit is refused before anything is computed, with numbers and remedies", async () => {
  using lm = big();
  const source = counting(256);
  const config = { steps: 2, batchSize: 8 };
  using trainer = new Trainer(languageModel(lm), source, config, { memoryLimit: 20 * mib });
  const before = kernel.memory();
  const refusal = trainer.advance();
  await expect(refusal).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  const { message } = (await refusal.catch((error: unknown) => error)) as Error;
  expect(message).toMatch(/needs [\d.]+ MiB, and the limit is 20\.00 MiB/);
  for (const part of ["weights", "moments", "gradients", "activations"]) {
    expect(message).toMatch(new RegExp(`${part} [\\d.]+ (K|M)iB`));
  }
  expect(message).toContain("nothing was computed; it would fit with recompute (");
  expect(kernel.memory()).toEqual(before);
  expect(trainer.step).toBe(0);

  // Each remedy is one.
  const [, again] = /it would fit with (.*)$/.exec(message)!;
  const remedies = again!.split(", or with ");
  expect(remedies.length).toBe(3);
  for (const remedy of remedies) {
    const numberOf = (field: string) => {
      const found = new RegExp(`${field} (\\d+)`).exec(remedy)?.[1];
      return found === undefined ? undefined : Number(found);
    };
    using fitting = new Trainer(
      languageModel(lm),
      source,
      {
        steps: 1,
        batchSize: numberOf("batchSize") ?? 8,
        accumulation: numberOf("accumulation") ?? 1,
        segmentLength: numberOf("segmentLength"),
        recompute: remedy.includes("recompute"),
      },
      { memoryLimit: 20 * mib },
    );
    await fitting.advance();
  }
});

test("without a remedy the refusal says so; a larger batch later is checked again", async () => {
  using lm = big();
  using small = new Trainer(
    languageModel(lm),
    counting(16),
    { steps: 1, batchSize: 1 },
    { memoryLimit: mib / 8 },
  );
  await expect(small.advance()).rejects.toThrow("no smaller batch or chunk and no recomputing makes it fit");

  const growing = {
    ...counting(),
    example: (index: number) => counting(index < 4 ? 16 : 256).example(index),
  };
  using trainer = new Trainer(
    languageModel(lm),
    growing,
    { steps: 4, batchSize: 4 },
    { memoryLimit: 10 * mib },
  );
  await trainer.advance();
  await expect(trainer.advance()).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  expect(trainer.step).toBe(1);
});

/** The kernel with other limits. */
const limited = (limits: Partial<Capabilities>) =>
  new Proxy(
    watched(() => undefined),
    {
      get: (target, name) =>
        name === "capabilities"
          ? { ...kernel.capabilities, ...limits }
          : (Reflect.get(target, name) as unknown),
    },
  );

test("the tensors of a step have a limit of their own, for which parameters that are not trained do not count", async () => {
  using lm = big();
  using frozen = kernel.zeros([2048, 2048], "f32");
  const advance = async (maxOperandBytes: number) => {
    const trainable = { ...languageModel(lm), kernel: limited({ maxOperandBytes }) };
    using trainer = new Trainer(trainable, counting(64), { steps: 1, batchSize: 2 });
    await trainer.advance();
  };
  await expect(advance(mib)).rejects.toThrow(
    /needs [\d.]+ MiB beside the tensors that are not trained, and the limit is 1\.00 MiB/,
  );
  await advance(frozen.shape[0]! * frozen.shape[1]! * 4);
});

test("the largest tensor of a device is a limit too, and an invalid limit is refused", async () => {
  using lm = big();
  const narrow = limited({ maxTensorBytes: 100_000 });
  const trainable = { ...languageModel(lm), kernel: narrow };
  using trainer = new Trainer(trainable, counting(64), { steps: 1, batchSize: 8 });
  await expect(trainer.advance()).rejects.toThrow(
    /needs a tensor \[8, 64, 128\] of 256\.00 KiB in linear\w*, and the largest that the device takes is 97\.66 KiB/,
  );
  expect(() => new Trainer(languageModel(lm), counting(), { steps: 1 }, { memoryLimit: 0 })).toThrow(
    "memoryLimit must be a number of bytes above 0, got 0",
  );
});
