import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialValues, type MambaLM, type ParameterSpec, type Ops, uniformAt } from "@mamba/core";
import { Scope, type Tensor } from "@mamba/kernel";
import { expect, onTestFinished, test } from "vitest";
import type { ExampleSource } from "../src/dataSource.ts";
import { RunFolder } from "../src/node/runFolder.ts";
import { type BatchLoss, type Trainable, trainable } from "../src/trainable.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, kernel, model, take } from "./support.ts";

// A linear head that predicts a number from the last hidden state of a frozen language model.

interface Sample {
  readonly ids: Int32Array;
  readonly value: number;
}

const length = 10;

/** The value of a sample is the fraction of its ids that are below 4. */
const samples: ExampleSource<Sample> = {
  id: "fractions of ids",
  count: 64,
  example(index) {
    const ids = Int32Array.from({ length }, (_, i) => Math.floor(8 * uniformAt(1, index, i)));
    return { ids, value: ids.filter((id) => id < 4).length / length };
  },
};

const rules = { lrScale: 1, storage: "f32" } as const;
const specs: readonly ParameterSpec[] = [
  { ...rules, name: "head.weight", shape: [1, 16], init: { kind: "normal", std: 0.1 }, weightDecay: true },
  { ...rules, name: "head.bias", shape: [1], init: { kind: "constant", value: 0 }, weightDecay: false },
];

function regression(lm: MambaLM, scope: Scope, seed = 1): Trainable<Sample> {
  const parameters = new Map(
    specs.map((spec) => [spec.name, scope.use(kernel.upload(initialValues(spec, seed), spec.shape, "f32"))]),
  );
  const embeddings = lm.parameters.get("backbone.embeddings.weight")!;
  return trainable({
    kernel,
    specs,
    parameters,
    config: { head: "fraction", width: 16 },
    loss(tape, batch) {
      const rows = batch.length;
      const ids = tape.constant(Int32Array.from(batch.flatMap(({ ids }) => [...ids])), [rows, length]);
      const hidden = lm.backbone.forward(tape, tape.embedding(ids, embeddings)); // [B, L, D]
      const last = Array.from({ length: rows }, (_, row) => (row + 1) * length - 1);
      const x = tape.gatherRows(tape.reshape(hidden, [rows * length, 16]), last); // [B, D]
      const y = tape.linear(x, parameters.get("head.weight") as Tensor, parameters.get("head.bias"));
      const values = Float32Array.from(batch, ({ value }) => value);
      return tape.meanSquaredError(y, tape.constant(values, [rows, 1]));
    },
  });
}

const config = { steps: 60, lr: 3e-2, batchSize: 16, warmupSteps: 4, weightDecay: 0 };

test("a head of one's own learns by mean squared error; the model below it does not change", async () => {
  using lm = model();
  using scope = new Scope();
  const before = await kernel.read(...lm.parameters.values());
  using trainer = new Trainer(regression(lm, scope), samples, config);
  const events = await take(trainer, 60);
  const mean = (from: number) => events.slice(from, from + 4).reduce((sum, { loss }) => sum + loss / 4, 0);
  expect(mean(56)).toBeLessThan(0.03); // the variance of the values is 0.025
  expect(mean(56)).toBeLessThan(mean(0) / 3);
  expect(await kernel.read(...lm.parameters.values())).toEqual(before);
});

test("the loss is the mean over the examples of all batches", async () => {
  using lm = model();
  const run = async (batchSize: number, accumulation: number) => {
    using scope = new Scope();
    const head = regression(lm, scope);
    using trainer = new Trainer(head, samples, { ...config, batchSize, accumulation, eps: 1e-3 });
    const [event] = await take(trainer, 1);
    return { event: event!, weight: (await contents(trainer)).get("head.weight")! };
  };
  const [whole, halves] = [await run(8, 1), await run(4, 2)];
  let loss = 0;
  {
    // With zero weights every prediction is 0.
    using scope = new Scope();
    const head = regression(lm, scope);
    for (const tensor of head.parameters.values()) {
      kernel.write(tensor, 0, new Float32Array(tensor.shape.reduce((a, b) => a * b)));
    }
    using trainer = new Trainer(head, { ...samples, count: undefined }, { ...config, batchSize: 8 });
    ({ loss } = await trainer.advance());
  }
  let squares = 0;
  for (let i = 0; i < 8; i++) squares += (await samples.example(i)).value ** 2;
  expect(loss).toBeCloseTo(squares / 8, 6);
  expect(halves.event.loss).toBeCloseTo(whole.event.loss, 6);
  expect(halves.event.gradNorm).toBeCloseTo(whole.event.gradNorm, 5);
  halves.weight.forEach((value, i) => expect(value).toBeCloseTo(whole.weight[i]!, 5));
});

test("a resumed run has the same bits, and another model is refused", async () => {
  const path = await mkdtemp(join(tmpdir(), "mamba-trainable-"));
  onTestFinished(() => rm(path, { recursive: true }));
  await using folder = await RunFolder.open(path);
  using lm = model();
  using scope = new Scope();
  using first = new Trainer(regression(lm, scope), samples, config);
  await take(first, 3);
  await folder.save(first);
  await take(first, 3);
  using second = new Trainer(regression(lm, scope, 2), samples, config);
  expect(await folder.resume(second)).toBeDefined();
  await take(second, 3);
  expect(await contents(second)).toEqual(await contents(first));
  const other = { ...regression(lm, scope), config: { head: "other", width: 16 } };
  using third = new Trainer(other, samples, config);
  await expect(folder.resume(third)).rejects.toThrow(
    'the saved run has model.head "fraction", this one "other"',
  );
});

test("chunks are refused, a missing parameter too, and steps free their tensors", async () => {
  using lm = model();
  using scope = new Scope();
  const head = regression(lm, scope);
  const before = kernel.memory();
  {
    using trainer = new Trainer(head, samples, { ...config, segmentLength: 4 });
    await expect(trainer.advance()).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining("segmentLength must be undefined") as string,
    });
    using plain = new Trainer(head, samples, { ...config, recompute: true });
    const ready = kernel.memory();
    await take(plain, 2);
    expect(kernel.memory()).toEqual(ready);
  }
  const parameters = new Map([...head.parameters].slice(1));
  expect(() => new Trainer({ ...head, parameters }, samples, config)).toThrow(
    "parameter head.weight is missing",
  );
  expect(() => new Trainer(head, { ...samples, count: 0 }, config)).toThrow("has no examples");
  expect(kernel.memory()).toEqual(before);
});

test("a loss outside of the tape, and a parameter that the loss does not use, are coded errors", async () => {
  using lm = model();
  using scope = new Scope();
  const usual = regression(lm, scope);
  const outside = { ...usual, loss: () => oneChunk(() => scope.use(kernel.zeros([1], "f32"))) };
  using trainer = new Trainer<Sample>(outside, samples, config);
  await expect(trainer.advance()).rejects.toThrow(expect.objectContaining({ code: "TAPE" }));

  const unused = { name: "unused.weight", shape: [2, 2], init: { kind: "constant", value: 1 } } as const;
  const extra = scope.use(kernel.upload(new Float32Array(4).fill(1), [2, 2], "f32"));
  using wider = new Trainer<Sample>(
    {
      ...usual,
      specs: [...usual.specs, { ...unused, ...rules, weightDecay: true }],
      parameters: new Map([...usual.parameters, [unused.name, extra]]),
    },
    samples,
    config,
  );
  const before = await contents(wider);
  await expect(wider.advance()).rejects.toThrow(
    "parameter unused.weight has no gradient: the loss does not depend on it",
  );
  await expect(wider.advance()).rejects.toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(await contents(wider)).toEqual(before);
});

function oneChunk(loss: (ops: Ops) => Tensor): BatchLoss {
  return { weight: 1, positions: 1, realPositions: 1, chunks: () => [{ weight: 1, loss }] };
}
