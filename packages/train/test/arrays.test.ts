import { Gradients, type SequenceConfigInput, SequenceModel, VisionMamba } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { expect, test } from "vitest";
import { addGradients } from "../src/addGradients.ts";
import type { ArrayExample } from "../src/arrayExample.ts";
import type { ArrayTrainable } from "../src/arrays/arrayTrainable.ts";
import { classifier } from "../src/arrays/classifier.ts";
import { predict } from "../src/arrays/predict.ts";
import { regressor } from "../src/arrays/regressor.ts";
import { type ExampleSource, ignoreIndex } from "../src/dataSource.ts";
import { evaluate } from "../src/evaluate.ts";
import { Trainer } from "../src/trainer.ts";
import { draws, kernel } from "./support.ts";

const small = { dModel: 8, nLayers: 2, dState: 4 } as const;
const values = { kind: "values", channels: 3 } as const;

function sequenceModel(config: Partial<SequenceConfigInput>): SequenceModel {
  return SequenceModel.init(kernel, { ...small, input: values, pooling: "mean", outputs: 4, ...config }, 1);
}

const lengths = [5, 11, 2, 7, 3];

/** Examples of several lengths: numbers of three channels, and a target made by `target`. */
function examplesOf(target: (length: number, i: number) => ArrayExample["target"]): ArrayExample[] {
  return lengths.map((length, i) => ({ input: draws(3 * length, i), target: target(length, i) }));
}

function sourceOf(examples: readonly ArrayExample[], id = "arrays"): ExampleSource<ArrayExample> {
  return { id, count: examples.length, example: (index) => examples[index]! };
}

/** The loss of a batch, and the gradient of each parameter. */
async function gradientsOf(
  trainable: ArrayTrainable<object>,
  examples: readonly ArrayExample[],
  options: { readonly segmentLength?: number; readonly weight?: number } = {},
): Promise<{ loss: number; weight: number; gradients: Map<string, Float32Array> }> {
  using gradients = new Gradients(kernel);
  using scope = new Scope();
  const batch = trainable.loss(examples, { segmentLength: options.segmentLength });
  const weight = options.weight ?? batch.weight;
  const losses = addGradients(kernel, trainable.parameters, batch, {
    ...{ weight, gradients, scope, recompute: false },
  });
  const read = await kernel.read(...losses.map(({ loss }) => loss));
  const all = new Map<string, Float32Array>();
  for (const [name, parameter] of trainable.parameters) {
    const [own] = (await kernel.read(gradients.byTensor.get(parameter)!)) as [Float32Array];
    all.set(name, own.slice());
  }
  const loss = losses.reduce((sum, own, i) => sum + own.weight * Number(read[i]![0]), 0);
  return { loss, weight: batch.weight, gradients: all };
}

/** Compares a batch with the sum of its examples alone. */
async function expectAlone(trainable: ArrayTrainable<object>, examples: readonly ArrayExample[]) {
  const together = await gradientsOf(trainable, examples);
  let loss = 0;
  const sums = new Map<string, Float64Array>();
  for (const example of examples) {
    const alone = await gradientsOf(trainable, [example], { weight: together.weight });
    loss += alone.loss;
    for (const [name, own] of alone.gradients) {
      const sum = sums.get(name) ?? new Float64Array(own.length);
      own.forEach((value, i) => (sum[i]! += value));
      sums.set(name, sum);
    }
  }
  expect(together.loss).toBeCloseTo(loss, 5);
  expectClose(together.gradients, sums);
}

function expectClose(
  found: ReadonlyMap<string, ArrayLike<number>>,
  wanted: ReadonlyMap<string, ArrayLike<number>>,
) {
  for (const [name, expected] of wanted) {
    const actual = found.get(name)!;
    const size = Math.max(...Array.from(expected, Math.abs), 1e-3);
    for (let i = 0; i < expected.length; i++) {
      expect(Math.abs(actual[i]! - expected[i]!) / size, `${name}[${i}]`).toBeLessThan(2e-5);
    }
  }
}

const heads: readonly [string, Partial<SequenceConfigInput>][] = [
  ["last", { pooling: "last" }],
  ["mean", { pooling: "mean" }],
  ["max of both directions", { pooling: "max", direction: "bidirectional" }],
];
for (const [name, config] of heads) {
  for (const packTo of [undefined, 16]) {
    const how = packTo === undefined ? "padded" : "packed";
    test(`${how} sequences give a classifier the loss and gradients of each alone: ${name}`, async () => {
      using model = sequenceModel(config);
      const trainable = classifier(model, { packTo, labelSmoothing: 0.1, classWeights: [1, 2, 0.5, 1] });
      const examples = examplesOf((_, i) => (i === 3 ? ignoreIndex : i % 4));
      const { positions, realPositions } = trainable.loss(examples, {});
      expect(realPositions).toBe(28);
      expect(positions).toBe(packTo === undefined ? 5 * 11 : 2 * 16);
      // A batch in which nothing counts has no gradients, so the example that does not count stays with another.
      const countedAlone = examples.filter(({ target }) => target !== ignoreIndex);
      const all = await gradientsOf(trainable, examples);
      const counted = await gradientsOf(trainable, countedAlone);
      expect(all.loss).toBeCloseTo(counted.loss, 5);
      expectClose(all.gradients, counted.gradients);
      await expectAlone(trainable, countedAlone);
    });
  }
}

for (const direction of ["causal", "bidirectional"] as const) {
  test(`a result for each position, ${direction}: padded, packed and alone are equal, missing targets too`, async () => {
    using model = sequenceModel({ pooling: "none", direction, outputs: 6 });
    const levels = [0.1, 0.5, 0.9];
    const numbers = examplesOf((length, i) =>
      draws(2 * length, 40 + i).map((value, at) => (at % 5 === 0 ? NaN : value)),
    );
    for (const packTo of [undefined, 13]) {
      await expectAlone(regressor(model, { loss: { levels }, packTo }), numbers);
    }
    const classes = examplesOf((length) =>
      Int32Array.from({ length }, (_, i) => (i % 3 === 1 ? ignoreIndex : i % 6)),
    );
    for (const packTo of [undefined, 13]) await expectAlone(classifier(model, { packTo }), classes);
  });
}

test("chunks carry the state from one to the next, and packed sequences do not go on from their neighbours", async () => {
  using model = sequenceModel({ pooling: "none", outputs: 2 });
  const examples = examplesOf((length, i) => draws(2 * length, 70 + i));
  // Rows of 13: 11 + 2, 7 + 5, 3. A chunk of 7 ends where a sequence ends, one of 4 within sequences.
  for (const segmentLength of [7, 4]) {
    const packed = regressor(model, { packTo: 13 });
    const padded = regressor(model, { packTo: undefined });
    const whole = await gradientsOf(packed, examples);
    const chunks = await gradientsOf(packed, examples, { segmentLength });
    expect(chunks.loss).toBeCloseTo(whole.loss, 5); // the forward pass is the same, the gradients are cut
    const other = await gradientsOf(padded, examples, { segmentLength });
    expect(other.loss).toBeCloseTo(whole.loss, 5);
  }
  using pooled = sequenceModel({ pooling: "mean" });
  await expect(
    gradientsOf(
      classifier(pooled),
      examplesOf(() => 1),
      { segmentLength: 4 },
    ),
  ).rejects.toThrow(
    "segmentLength must be undefined for this model, since it has one result for a whole sequence; got 4",
  );
  using both = sequenceModel({ pooling: "none", direction: "bidirectional" });
  await expect(
    gradientsOf(
      classifier(both),
      examplesOf((length) => new Int32Array(length)),
      { segmentLength: 4 },
    ),
  ).rejects.toThrow("since it has no state");
});

test("metrics of a classifier are those of the probabilities that it predicts", async () => {
  using model = sequenceModel({ outputs: 3 });
  const examples = examplesOf((_, i) => [0, 2, 1, 2, ignoreIndex][i]!);
  const trainable = classifier(model, { labelSmoothing: 0.2, classWeights: [1, 3, 2] });
  const probabilities = await predict(
    trainable,
    examples.map(({ input }) => input),
    { batchSize: 2 },
  );
  let [lossSum, weightSum, correct] = [0, 0, 0];
  const weights = [1, 3, 2];
  const pairs: [target: number, found: number][] = [];
  examples.forEach(({ target }, i) => {
    const own = probabilities[i]!;
    expect(own.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    if (target === ignoreIndex) return;
    const t = Number(target);
    lossSum -= 0.8 * weights[t]! * Math.log(own[t]!);
    own.forEach((p, c) => (lossSum -= (0.2 / 3) * weights[c]! * Math.log(p)));
    weightSum += weights[t]!;
    pairs.push([t, own.indexOf(Math.max(...own))]);
  });
  correct = pairs.filter(([t, found]) => t === found).length;
  const f1 = [0, 1, 2].flatMap((c) => {
    const right = pairs.filter(([t, found]) => t === c && found === c).length;
    const wrong = pairs.filter(([t, found]) => (t === c) !== (found === c)).length;
    return right + wrong === 0 ? [] : [(2 * right) / (2 * right + wrong)];
  });
  for (const batchSize of [1, 2, 8]) {
    const found = await evaluate(trainable, sourceOf(examples), { batchSize });
    expect(found.loss).toBeCloseTo(lossSum / weightSum, 5);
    expect(found).toMatchObject({ targets: 4, examples: 5, accuracy: correct / 4 });
    expect(found.macroF1).toBeCloseTo(f1.reduce((a, b) => a + b) / f1.length, 10);
    expect(found.classes.map(({ targets }) => targets)).toEqual([1, 1, 2]);
  }
  const batch = await gradientsOf(trainable, examples);
  expect(batch.loss).toBeCloseTo(lossSum / weightSum, 5); // the training has the same loss
});

test("metrics of a regressor are in the units of the data, and missing targets do not count", async () => {
  using model = sequenceModel({ outputs: 2 });
  const examples = examplesOf((_, i) => Float32Array.of(i / 2 - 1, i === 1 ? NaN : i / 4));
  const [scale, offset] = [
    [10, 2],
    [100, -3],
  ];
  for (const loss of ["squaredError", "huber"] as const) {
    const trainable = regressor(model, { loss, scale, offset });
    const found = await predict(
      trainable,
      examples.map(({ input }) => input),
    );
    const errors = examples.flatMap(({ target }, i) =>
      [0, 1].flatMap((t) => {
        const wanted = (target as Float32Array)[t]!;
        return Number.isNaN(wanted) ? [] : [{ t, error: found[i]![t]! - (wanted * scale[t]! + offset[t]!) }];
      }),
    );
    const mean = (some: number[]) => some.reduce((a, b) => a + b, 0) / some.length;
    const evaluation = await evaluate(trainable, sourceOf(examples), { batchSize: 2 });
    expect(evaluation.targets).toBe(9);
    expect(evaluation.mae).toBeCloseTo(mean(errors.map(({ error }) => Math.abs(error))), 4);
    expect(evaluation.rmse).toBeCloseTo(Math.sqrt(mean(errors.map(({ error }) => error ** 2))), 4);
    const second = errors.filter(({ t }) => t === 1).map(({ error }) => Math.abs(error));
    expect(evaluation.perTarget[1]!.mae).toBeCloseTo(mean(second), 4);
    expect(evaluation.loss).toBeCloseTo((await gradientsOf(trainable, examples)).loss, 5);
  }
});

test("quantiles have the pinball loss and the fraction of targets below each level", async () => {
  using model = sequenceModel({ outputs: 3 });
  const levels = [0.2, 0.5, 0.7];
  const examples = examplesOf((_, i) => i / 2 - 1);
  const trainable = regressor(model, { loss: { levels }, scale: 4, offset: 1 });
  const found = await predict(
    trainable,
    examples.map(({ input }) => input),
  );
  let pinball = 0;
  const covered = [0, 0, 0];
  examples.forEach(({ target }, i) => {
    const wanted = 4 * Number(target) + 1;
    levels.forEach((q, l) => {
      const above = wanted - found[i]![l]!;
      pinball += Math.max(q * above, (q - 1) * above) / 15;
      if (above <= 0) covered[l]! += 1 / 5;
    });
  });
  const evaluation = await evaluate(trainable, sourceOf(examples));
  expect(evaluation.pinball).toBeCloseTo(pinball, 5);
  expect(evaluation.loss).toBeCloseTo(pinball / 4, 5);
  expect(evaluation.loss).toBeCloseTo((await gradientsOf(trainable, examples)).loss, 5);
  evaluation.quantiles!.forEach((own, l) => {
    expect(own.level).toBe(levels[l]);
    expect(own.covered).toBeCloseTo(covered[l]!, 10);
  });
});

test("a classifier of images learns; a resumed dropout draws what it would have drawn", async () => {
  const config = {
    height: 6,
    width: 6,
    channels: 1,
    patchSize: 3,
    classes: 2,
    dropout: 0.1,
    ...small,
    dModel: 16,
  };
  // Class 1 has a bright upper half.
  const images: ExampleSource<ArrayExample> = {
    id: "halves",
    count: 64,
    example(index) {
      const target = index % 2;
      const input = draws(36, index).map((value, i) => value / 2 + (i < 18 === (target === 1) ? 1 : 0));
      return { input, target };
    },
  };
  using model = VisionMamba.init(kernel, config, 3);
  using trainer = new Trainer(classifier(model), images, {
    steps: 25,
    batchSize: 8,
    lr: 3e-2,
    weights: "f32",
  });
  for (let i = 0; i < 12; i++) await trainer.advance();
  const state = trainer.state();
  const saved = new Map<string, Float32Array>();
  for (const { name, read } of trainer.tensors()) saved.set(name, (await read()).slice());
  const rest: number[] = [];
  for (let i = 0; i < 13; i++) rest.push((await trainer.advance()).loss);
  using again = VisionMamba.init(kernel, config, 4);
  using resumed = new Trainer(classifier(again), images, { steps: 25, batchSize: 8, lr: 3e-2 });
  await resumed.restore(state, (name) => Promise.resolve(saved.get(name)!));
  for (const loss of rest) expect((await resumed.advance()).loss).toBe(loss);
  const { accuracy } = await evaluate(classifier(again), images, { first: 40, batchSize: 8 });
  expect(accuracy).toBe(1);
});

test("inputs, targets and options that do not fit are refused, with the source and the example", async () => {
  using model = sequenceModel({});
  using perPosition = sequenceModel({ pooling: "none", outputs: 2 });
  using images = VisionMamba.init(kernel, {
    height: 4,
    width: 4,
    channels: 1,
    patchSize: 2,
    classes: 2,
    ...small,
  });
  using tokens = sequenceModel({ input: { kind: "tokens", vocabSize: 5 } });
  const good = draws(6, 1);
  const bad: [ArrayTrainable<object>, ArrayExample, string][] = [
    [
      classifier(model),
      { input: good, target: 4 },
      "the target must be a class from 0 to 3, or -100 where none counts, got 4",
    ],
    [classifier(model), { input: good, target: 1.5 }, "got 1.5"],
    [classifier(model), { input: good, target: Int32Array.of(1, 2) }, "got a Int32Array"],
    [
      classifier(model),
      { input: draws(7, 1), target: 1 },
      "the input must be rows of 3 numbers, at least one, got 7 numbers",
    ],
    [classifier(model), { input: new Float32Array(), target: 1 }, "got 0 numbers"],
    [
      classifier(model),
      { input: Int32Array.of(1, 2, 3), target: 1 },
      "the input must be a Float32Array of numbers, got a Int32Array",
    ],
    [
      classifier(model),
      { input: Float32Array.of(1, 2, 3, 4, NaN, 6), target: 1 },
      "position 1, channel 1: a finite number was expected, got NaN",
    ],
    [
      classifier(model, { packTo: 2 }),
      { input: draws(9, 1), target: 1 },
      "at most packTo = 2 positions were expected, got 3",
    ],
    [
      classifier(tokens),
      { input: Int32Array.of(0, 5), target: 1 },
      "position 1: ids must be from 0 to 4, got the id 5",
    ],
    [
      classifier(images),
      { input: draws(15, 1), target: 1 },
      "the image must have 16 numbers, 4 × 4 pixels of 1 channels, got 15",
    ],
    [
      classifier(images),
      { input: draws(16, 1).fill(Infinity, 6, 7), target: 1 },
      "row 1, column 2, channel 0: a finite number was expected, got Infinity",
    ],
    [
      classifier(perPosition),
      { input: good, target: Int32Array.of(1) },
      "the target must be 2 classes, one for each position, got 1",
    ],
    [classifier(perPosition), { input: good, target: Int32Array.of(1, 2) }, "got 2 at position 1"],
    [regressor(model), { input: good, target: 1 }, "the target must be a Float32Array of 4 numbers, got 1"],
    [regressor(model), { input: good, target: Float32Array.of(1, 2, Infinity, 4) }, "got Infinity at 2"],
  ];
  for (const [trainable, example, message] of bad) {
    const run = evaluate(trainable, sourceOf([{ input: good, target: 1 }, example].slice(1), "bad data"));
    await expect(run).rejects.toMatchObject({ code: "DATA" });
    await expect(run).rejects.toThrow(
      `bad data: example 0: ${message}`.slice(0, message.startsWith("got") ? 20 : undefined),
    );
    await expect(run).rejects.toThrow(message);
  }
  const wrong: [() => unknown, string][] = [
    [() => classifier(model, { labelSmoothing: 1 }), "labelSmoothing must be in [0, 1), got 1"],
    [() => classifier(model, { classWeights: [1, 2] }), "classWeights must be 4 numbers >= 0, got 2 numbers"],
    [() => classifier(model, { packTo: 0 }), "packTo must be a whole number >= 1, got 0"],
    [
      () => regressor(model, { loss: { levels: [0.5, 0.1] } }),
      "levels must be rising numbers between 0 and 1",
    ],
    [
      () => regressor(model, { loss: { levels: [0.1, 0.5, 0.9] } }),
      "must have a multiple of that number of outputs, got 4",
    ],
    [() => regressor(model, { scale: [1, 2] }), "scale must be a finite number, or 4 of them"],
    [() => regressor(model, { scale: 0 }), "scale must not be 0"],
  ];
  for (const [make, message] of wrong) {
    expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
    expect(make).toThrow(message);
  }
  await expect(predict(classifier(model), [good, draws(2, 1)])).rejects.toThrow(
    "input 1: the input must be rows",
  );
});
