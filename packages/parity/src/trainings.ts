import { LoraAdapter, MambaLM, SequenceModel, uniformAt, VisionMamba } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import {
  type ArrayExample,
  classifier,
  type DataSource,
  type ExampleSource,
  languageModel,
  regressor,
  type StepEvent,
  type Trainable,
  Trainer,
} from "@mamba/train";
import { hybridConfig, quantizedHybrid } from "./hybrid.ts";

/** Sequences that count up in steps of 1 or 2. */
const counting: DataSource = {
  id: "counting",
  vocabSize: 8,
  count: undefined,
  example(index) {
    const at = (i: number) => (index + i * (1 + (index % 2))) % 8;
    return {
      ids: Int32Array.from({ length: 24 }, (_, i) => at(i)),
      targets: Int32Array.from({ length: 24 }, (_, i) => at(i + 1)),
    };
  },
};

const source = (id: string, example: (index: number) => ArrayExample): ExampleSource<ArrayExample> => ({
  id,
  count: undefined,
  example,
});

/** Noise of 9 × 9 pixels, lighter in one of the four quarters: the class. */
const quarters = source("quarters", (index) => {
  const target = index % 4;
  const isInside = (i: number) => Math.floor(i / 9 / 5) * 2 + Math.floor((i % 9) / 5) === target;
  const pixel = (_: unknown, i: number) => uniformAt(index, i) + (isInside(i) ? 1 : 0);
  return { input: Float32Array.from({ length: 81 }, pixel), target };
});

/** Words of 3 to 10 letters of an alphabet of five: does the word hold the letter 4? */
const words = source("words", (index) => {
  const target = index % 2;
  const letter = (_: unknown, i: number) => Math.floor(uniformAt(index, i) * 4);
  const input = Int32Array.from({ length: 3 + (index % 8) }, letter);
  if (target === 1) input[index % input.length] = 4;
  return { input, target };
});

/** Two waves with noise; the next three values of the first, of which every fifth is missing. */
const waves = source("waves", (index) => {
  const value = (i: number) => Math.sin((index + i) / 3) + 0.2 * uniformAt(index, i);
  const channel = (_: unknown, i: number) => (i % 2 === 0 ? value(i / 2) : Math.cos((index + i) / 5));
  const next = (_: unknown, i: number) => ((index + i) % 5 === 0 ? NaN : value(12 + i));
  return {
    input: Float32Array.from({ length: 24 }, channel),
    target: Float32Array.from({ length: 3 }, next),
  };
});

const levels = [0.1, 0.5, 0.9];
const size = { dModel: 16, nLayers: 2 };

/** Trainings of small models, each on the same data from the same start. */
const trainings = {
  "a language model": async (kernel: Kernel) => {
    using model = MambaLM.init(kernel, { ...size, vocabSize: 8 }, 1);
    return await train(languageModel(model), counting, 20);
  },
  // Two trainings in one, because a backend compiles their kernels once.
  "an adapter of a quantised hybrid with experts, then the hybrid": async (kernel: Kernel) => {
    using quantized = quantizedHybrid(kernel);
    using adapter = LoraAdapter.init(quantized, { rank: 2 }, 1);
    quantized.attach(adapter);
    const events = await train(languageModel(quantized), counting, 3);
    using model = MambaLM.init(kernel, hybridConfig, 1);
    return [...events, ...(await train(languageModel(model, { packTo: 48 }), counting, 4))];
  },
  "Vision Mamba with dropout": async (kernel: Kernel) => {
    const image = { height: 9, width: 9, channels: 1, patchSize: 3, classes: 4 };
    using model = VisionMamba.init(kernel, { ...size, ...image, dropout: 0.2 }, 1);
    return await train(classifier(model, { labelSmoothing: 0.1, classWeights: [1, 2, 1, 0.5] }), quarters, 6);
  },
  "a bidirectional model of packed tokens": async (kernel: Kernel) => {
    const input = { kind: "tokens", vocabSize: 5 } as const;
    const ends = { input, direction: "bidirectional", pooling: "max", outputs: 2 } as const;
    using model = SequenceModel.init(kernel, { ...size, ...ends }, 1);
    return await train(classifier(model, { packTo: 16 }), words, 6);
  },
  "quantiles of a series with missing values": async (kernel: Kernel) => {
    const input = { kind: "values", channels: 2 } as const;
    using model = SequenceModel.init(
      kernel,
      { ...size, input, pooling: "mean", outputs: 3 * levels.length },
      1,
    );
    return await train(regressor(model, { loss: { levels } }), waves, 6);
  },
};

/** Names of the trainings. */
export const trainingNames = Object.keys(trainings) as (keyof typeof trainings)[];

/**
 * Trains a small model. Losses and gradient norms of two backends must agree step by step: compare them with `distance` and
 * `parityTolerance`.
 */
export function trainSmallModel(kernel: Kernel, name: keyof typeof trainings): Promise<StepEvent[]> {
  return trainings[name](kernel);
}

async function train<E>(
  trainable: Trainable<E>,
  data: ExampleSource<E>,
  steps: number,
): Promise<StepEvent[]> {
  using trainer = new Trainer(trainable, data, { steps, batchSize: 4, lr: 2e-2, warmupSteps: 3 });
  const events: StepEvent[] = [];
  for await (const event of trainer.run()) events.push(event);
  return events;
}
