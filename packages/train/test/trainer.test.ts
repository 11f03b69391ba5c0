import { expect, test } from "vitest";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { MambaLM } from "@mamba/core";
import { evaluate } from "../src/evaluate.ts";
import { type DataSource, ignoreIndex } from "../src/dataSource.ts";
import { languageModel } from "../src/languageModel.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, kernel, middle, model, take, tiny, watched } from "./support.ts";

/** `counting` with different numbers of targets per example. */
const masked: DataSource = {
  ...counting(),
  async example(index) {
    const { ids, targets } = await counting().example(index);
    return { ids, targets: targets.map((target, i) => (i % ((index % 3) + 1) === 0 ? target : ignoreIndex)) };
  },
};

function expectClose(
  actual: Map<string, Float32Array>,
  expected: Map<string, Float32Array>,
  tolerance: number,
) {
  for (const [name, values] of expected) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = actual.get(name)!.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
    expect(off, name).toBeLessThanOrEqual(tolerance * largest);
  }
}

test("learns to count: the loss falls from ln 8 to below 0.3 and held-out examples are right", async () => {
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), {
    steps: 60,
    lr: 1e-2,
    warmupSteps: 5,
    weightDecay: 0.01,
  });
  const events = [];
  for await (const event of trainer.run()) events.push(event);
  expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(Math.abs(events[0]!.loss - Math.log(8))).toBeLessThan(0.1);
  expect(events.at(-1)!.loss).toBeLessThan(0.3);
  expect(events[0]!.lr).toBeCloseTo(2e-3, 9);
  expect(events[4]!.lr).toBe(1e-2);
  expect(events.at(-1)!.lr).toBeCloseTo(1e-3, 9);
  for (const { gradNorm, tokensPerSecond } of events) {
    expect(gradNorm).toBeGreaterThan(0);
    expect(tokensPerSecond).toBeGreaterThan(0);
  }
  const { accuracy, targets } = await evaluate(languageModel(lm), counting(), { first: 1000, examples: 16 });
  expect(targets).toBe(16 * 12);
  expect(accuracy).toBeGreaterThan(0.9); // the first step of an example cannot be known
});

test("runs with equal seeds are equal bit for bit; with another seed the data has another order", async () => {
  const run = async (seed: number) => {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(12, 64), { steps: 5, batchSize: 4, seed });
    const events = await take(trainer, 5);
    return { events, tensors: await contents(trainer) };
  };
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  expect((await run(8)).events[0]!.loss).not.toBe(first.events[0]!.loss);
});

test("two half batches equal one batch to rounding, also with different numbers of targets", async () => {
  const run = async (batchSize: number, accumulation: number) => {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), masked, { steps: 3, batchSize, accumulation, eps: 1e-3 });
    const events = await take(trainer, 2);
    return { events, tensors: await contents(trainer) };
  };
  const whole = await run(4, 1);
  const halves = await run(2, 2);
  halves.events.forEach(({ loss, gradNorm }, i) => {
    expect(loss).toBeCloseTo(whole.events[i]!.loss, 5);
    expect(gradNorm).toBeCloseTo(whole.events[i]!.gradNorm, 4);
  });
  expectClose(halves.tensors, whole.tensors, 1e-4);
});

test("a gradient above clipNorm is scaled down to it, a smaller one is unchanged", async () => {
  const run = async (clipNorm: number) => {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(), { steps: 1, clipNorm, beta1: 0.5 });
    const [event] = await take(trainer, 1);
    let squares = 0;
    for (const [name, values] of await contents(trainer)) {
      if (name.startsWith("adamw.m.")) for (const value of values) squares += value * value;
    }
    return { gradNorm: event!.gradNorm, used: 2 * Math.sqrt(squares) }; // m = g / 2 after the first step
  };
  const free = await run(Infinity);
  expect(free.used / free.gradNorm).toBeCloseTo(1, 5);
  expect((await run(free.gradNorm * 2)).used).toBe(free.used);
  const clipped = await run(free.gradNorm / 8);
  expect(clipped.gradNorm).toBe(free.gradNorm);
  expect(clipped.used / (free.gradNorm / 8)).toBeCloseTo(1, 5);
});

test("recomputing layers gives the same training", async () => {
  const run = async (recompute: boolean) => {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(), { steps: 3, recompute, eps: 1e-3 });
    await take(trainer, 3);
    return await contents(trainer);
  };
  expectClose(await run(true), await run(false), 1e-4);
});

test("chunks start from the state of the past, but no gradient goes back through it", async () => {
  const run = async (segmentLength: number | undefined) => {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), masked, { steps: 1, segmentLength });
    const [event] = await take(trainer, 1);
    return { ...event!, tensors: await contents(trainer) };
  };
  const whole = await run(undefined);
  expect(await run(12)).toEqual(whole);
  const cut = await run(5); // chunks of 5, 5 and 2
  expect(cut.loss).toBeCloseTo(whole.loss, 5);
  expect(cut.gradNorm).not.toBeCloseTo(whole.gradNorm, 5);
});

test("a chunk without targets only advances the state", async () => {
  const run = async (segmentLength: number | undefined) => {
    using lm = model({ vocabSize: 16 });
    using trainer = new Trainer(languageModel(lm), middle(24), { steps: 1, segmentLength });
    return (await take(trainer, 1))[0]!.loss;
  };
  expect(await run(7)).toBeCloseTo(await run(undefined), 5);
});

test("with chunks memory grows with the chunk, and with recomputing with the layer", async () => {
  const peak = async (length: number, options: { segmentLength?: number; recompute?: boolean }) => {
    using lm = model({ nLayers: 4 });
    let most = 0;
    Object.defineProperty(lm, "kernel", { value: watched((bytes) => (most = Math.max(most, bytes))) });
    using trainer = new Trainer(languageModel(lm), counting(length), { steps: 1, batchSize: 2, ...options });
    await trainer.advance();
    return most;
  };
  const chunk = await peak(128, { segmentLength: 64 });
  // The loss of each of the 14 more chunks is kept: 4 bytes.
  expect((await peak(1024, { segmentLength: 64 })) - chunk).toBe(14 * 4);
  const whole = await peak(1024, {});
  expect(whole).toBeGreaterThan(4 * chunk);
  expect(await peak(1024, { recompute: true })).toBeLessThan(whole / 2);
});

test("a model with a padded vocabulary trains", async () => {
  using lm = model({ padVocabSizeMultiple: 16, tieEmbeddings: false });
  using trainer = new Trainer(languageModel(lm), counting(), { steps: 30, lr: 1e-2 });
  const events = await take(trainer, 30);
  expect(events.at(-1)!.loss).toBeLessThan(events[0]!.loss - 0.5);
});

test("steps free their tensors, also after an error", async () => {
  const before = kernel.memory();
  {
    using lm = model();
    const holding = kernel.memory();
    using trainer = new Trainer(languageModel(lm), counting(), {
      steps: 2,
      segmentLength: 5,
      accumulation: 2,
      clipNorm: 1e-3,
    });
    const ready = kernel.memory();
    await take(trainer, 2);
    expect(kernel.memory()).toEqual(ready);
    expect(ready.bytes).toBeGreaterThanOrEqual(holding.bytes);
    kernel.write(lm.parameters.get("backbone.norm_f.weight")!, 0, Float32Array.of(NaN));
    await expect(trainer.advance()).rejects.toThrow("NaN");
    expect(kernel.memory()).toEqual(ready);
  }
  expect(kernel.memory()).toEqual(before);
});

test("a loss that is NaN stops the run before anything is updated", async () => {
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), { steps: 10 });
  await take(trainer, 2);
  const before = await contents(trainer);
  const gain = lm.parameters.get("backbone.layers.0.norm.weight")!;
  kernel.write(gain, 3, Float32Array.of(NaN));
  const run = trainer.run().next();
  await expect(run).rejects.toThrow(expect.objectContaining({ code: "NON_FINITE" }));
  await expect(run).rejects.toThrow("the loss of step 3 is NaN; nothing was updated");
  expect(trainer.step).toBe(2);
  await expect(contents(trainer)).rejects.toThrow(
    "backbone.layers.0.norm.weight has values that are not finite",
  );
  kernel.write(gain, 3, Float32Array.of(before.get("backbone.layers.0.norm.weight")![3]!));
  expect(await contents(trainer)).toEqual(before);
});

test("a signal ends the run between steps", async () => {
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), { steps: 10 });
  const controller = new AbortController();
  const run = async () => {
    for await (const { step } of trainer.run({ signal: controller.signal })) {
      if (step === 3) controller.abort(new Error("enough"));
    }
  };
  await expect(run()).rejects.toThrow("enough");
  expect(trainer.step).toBe(3);
});

test("invalid configs, sources and weights are refused, and leave no memory", async () => {
  using lm = model();
  const before = kernel.memory();
  const refused = (make: () => unknown, code: string, message: string) => {
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(message);
  };
  refused(() => new Trainer(languageModel(lm), counting(), { steps: 0 }), "CONFIG", "steps must be");
  refused(
    () => new Trainer(languageModel(lm), middle(9), { steps: 1 }),
    "DATA",
    "vocabulary of 16, the model of 8",
  );
  refused(() => new Trainer(languageModel(lm), counting(12, 0), { steps: 1 }), "DATA", "has no examples");
  const nothing: DataSource = {
    ...counting(),
    example: () => ({ ids: Int32Array.of(1), targets: Int32Array.of(ignoreIndex) }),
  };
  using trainer = new Trainer(languageModel(lm), nothing, { steps: 1 });
  await expect(trainer.advance()).rejects.toThrow("step 1 has no target that counts");
  trainer[Symbol.dispose]();
  expect(kernel.memory()).toEqual(before);
  const parameters = new Map(lm.parameters);
  using half = kernel.upload(new Uint16Array(8 * 16), [8, 16], "f16");
  parameters.set("backbone.embeddings.weight", half);
  const narrow = new MambaLM(kernel, lm.config, parameters);
  refused(
    () => new Trainer(languageModel(narrow), counting(), { steps: 1 }),
    "CONFIG",
    "backbone.embeddings.weight is stored as f16, expected f32: make or load the model with dtype f32",
  );
});

test("a kernel without the training ops is refused", async () => {
  await using other = await createCpuKernel({ threads: 1 });
  using lm = MambaLM.init(other, tiny);
  Object.defineProperty(other, "capabilities", { value: { ...other.capabilities, training: false } });
  expect(() => new Trainer(languageModel(lm), counting(), { steps: 1 })).toThrow(
    "the cpu backend cannot train",
  );
  await expect(evaluate(languageModel(lm), counting(), { examples: 1 })).rejects.toThrow(
    "has no loss to evaluate",
  );
});

test("an id or a target outside of the vocabulary ends the step before anything is updated", async () => {
  using lm = model();
  for (const [ids, targets, message] of [
    [
      [1, 8],
      [1, 1],
      "counting, length 12: example 2, position 1: ids must be whole numbers from 0 to 7, got the id 8",
    ],
    [[-100, 1], [1, 1], "position 0: ids must be"],
    [
      [1, 1],
      [1, 8],
      "position 1: targets must be whole numbers from 0 to 7, or -100 where none counts, got the target 8",
    ],
  ] as const) {
    const source: DataSource = {
      ...counting(),
      example: (i) =>
        i === 2 ? { ids: Int32Array.from(ids), targets: Int32Array.from(targets) } : counting(2).example(i),
    };
    using trainer = new Trainer(languageModel(lm), source, { steps: 2, batchSize: 2 });
    await trainer.advance();
    const before = await contents(trainer);
    await expect(trainer.advance()).rejects.toThrow(expect.objectContaining({ code: "DATA" }));
    await expect(trainer.advance()).rejects.toThrow(message);
    expect(await contents(trainer)).toEqual(before);
    expect(trainer.step).toBe(1);
  }
});
