import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MambaLM, type SequenceConfigInput, SequenceModel } from "@mamba/core";
import { type FloatDType, fromFloat32, type HostArray, toFloat32 } from "@mamba/kernel";
import { expect, onTestFinished, test } from "vitest";
import { regressor } from "../src/arrays/regressor.ts";
import type { TrainConfigInput } from "../src/config.ts";
import { type DataSource, ignoreIndex } from "../src/dataSource.ts";
import { evaluate } from "../src/evaluate.ts";
import { languageModel } from "../src/languageModel.ts";
import { RunFolder } from "../src/node/runFolder.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, draws, kernel, take, tiny } from "./support.ts";

const half = ["f16", "bf16"] as const;

function model(dtype: FloatDType, seed = 1): MambaLM {
  return MambaLM.init(kernel, tiny, seed, { dtype });
}

/** Sequences of 3 to 14 ids that count up, with some targets that do not count. */
const short: DataSource = {
  id: "short",
  vocabSize: 8,
  count: undefined,
  example(index) {
    const length = 3 + ((index * 7) % 12);
    const at = (i: number) => (index + i * (1 + (index % 2))) % 8;
    return {
      ids: Int32Array.from({ length }, (_, i) => at(i)),
      targets: Int32Array.from({ length }, (_, i) => (i % 6 === 4 ? ignoreIndex : at(i + 1))),
    };
  },
};

/** Everything at once: rows of packed sequences, in chunks, layers computed again, and two batches per step. */
const all: TrainConfigInput = {
  steps: 30,
  batchSize: 6,
  accumulation: 2,
  segmentLength: 10,
  recompute: true,
  lr: 2e-2,
  warmupSteps: 3,
};
const packed = { packTo: 24 };

for (const weights of half) {
  test(`${weights} weights are the rounded masters after each step, and small updates add up`, async () => {
    using lm = model(weights);
    const specs = new Map(languageModel(lm).specs.map((spec) => [spec.name, spec]));
    const start = await kernel.read(...lm.parameters.values());
    using trainer = new Trainer(languageModel(lm), counting(), { steps: 40, lr: 1e-5, weights });
    // The masters begin with exactly the weights.
    const masters = await contents(trainer);
    [...lm.parameters.keys()].forEach((name, i) => {
      const dtype = lm.parameters.get(name)!.dtype as FloatDType;
      expect(dtype).toBe(specs.get(name)!.storage === "any" ? weights : "f32");
      expect(masters.get(name)).toEqual(toFloat32(start[i]!, dtype));
    });
    await take(trainer, 40);
    let moved = 0;
    const after = await contents(trainer);
    for (const [name, parameter] of lm.parameters) {
      const dtype = parameter.dtype as FloatDType;
      const [stored] = (await kernel.read(parameter)) as [HostArray];
      expect(stored).toEqual(fromFloat32(after.get(name)!, dtype));
      if (dtype !== "f32" && after.get(name)!.some((value, i) => value !== masters.get(name)![i])) moved++;
    }
    expect(moved).toBe([...specs.values()].filter(({ storage }) => storage === "any").length);
  });

  test(`${weights} with packing, chunks, recomputing and accumulation: near plain f32, and resumed bit for bit`, async () => {
    const path = await mkdtemp(join(tmpdir(), "mamba-weights-"));
    onTestFinished(() => rm(path, { recursive: true }));
    await using folder = await RunFolder.open(path);
    using wide = model("f32");
    using plain = new Trainer(languageModel(wide), short, {
      ...all,
      segmentLength: undefined,
      recompute: false,
    });
    const expected = await take(plain, 30);

    using lm = model(weights);
    using trainer = new Trainer(languageModel(lm, packed), short, { ...all, weights });
    const events = await take(trainer, 14);
    await folder.save(trainer);
    events.push(...(await take(trainer, 16)));
    // Weights differ by a rounding step of bf16, 2^-9, or f16, 2^-12; a chunk passes no gradient to the one before.
    for (const i of [0, 1]) expect(Math.abs(events[i]!.loss - expected[i]!.loss)).toBeLessThan(0.01);
    const mean = (of: typeof events) => of.slice(-6).reduce((sum, { loss }) => sum + loss / 6, 0);
    expect(mean(expected)).toBeLessThan(1);
    expect(Math.abs(mean(events) - mean(expected))).toBeLessThan(0.1);
    const padding = (of: typeof events) => of.reduce((sum, { padding }) => sum + padding / 30, 0);
    expect(padding(events)).toBeLessThan(padding(expected) - 0.05);

    using other = model(weights, 9);
    using resumed = new Trainer(languageModel(other, packed), short, { ...all, weights });
    await folder.resume(resumed);
    await take(resumed, 16);
    expect(await contents(resumed)).toEqual(await contents(trainer));
    const read = async (of: MambaLM) => kernel.read(...of.parameters.values());
    expect(await read(other)).toEqual(await read(lm));
    const held = { first: 500, examples: 8 };
    expect(await evaluate(languageModel(other), short, held)).toEqual(
      await evaluate(languageModel(lm), short, held),
    );
  });
}

test("a model of any kind trains with bf16 weights", async () => {
  const config: SequenceConfigInput = {
    input: { kind: "values", channels: 2 },
    pooling: "last",
    ...{ outputs: 1, dModel: 8, nLayers: 1, dState: 4 },
  };
  const source = {
    id: "sums",
    count: 32,
    example(index: number) {
      const input = draws(10, index);
      return { input, target: (input[8] ?? 0) + (input[9] ?? 0) };
    },
  };
  const run = async (weights: "f32" | "bf16") => {
    using model = SequenceModel.init(kernel, config, 1, { dtype: weights });
    using trainer = new Trainer(regressor(model), source, { steps: 40, lr: 3e-2, weights, weightDecay: 0 });
    const events = await take(trainer, 40);
    return events.slice(-8).reduce((sum, { loss }) => sum + loss / 8, 0);
  };
  const [wide, narrow] = [await run("f32"), await run("bf16")];
  expect(wide).toBeLessThan(0.1);
  expect(narrow).toBeLessThan(0.12);
});

test("a model that is not stored as the config says is refused, and nothing leaks", () => {
  using wide = model("f32");
  using narrow = model("bf16");
  const before = kernel.memory();
  const refused = (of: MambaLM, weights: "f32" | "f16" | "bf16", message: string) => {
    const make = () => new Trainer(languageModel(of), counting(), { steps: 1, weights });
    expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
    expect(make).toThrow(message);
  };
  refused(
    wide,
    "bf16",
    "backbone.embeddings.weight is stored as f32, expected bf16: make or load the model with dtype bf16",
  );
  refused(
    narrow,
    "f32",
    'is stored as bf16, expected f32: make or load the model with dtype f32, or train with weights "bf16"',
  );
  refused(narrow, "f16", "is stored as bf16, expected f16");
  expect(() => new Trainer(languageModel(wide), counting(), { steps: 1, weights: "i8" as "f16" })).toThrow(
    'training field weights must be "f32", "f16", "bf16", got "i8"',
  );
  expect(kernel.memory()).toEqual(before);
});
