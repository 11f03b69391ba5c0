import type { MambaLMConfigInput } from "@mamba/core";
import { type DataSource, inductionHeads, selectiveCopying, type TrainConfigInput } from "@mamba/train";
import type { TaskId, TrainingSettings } from "../protocol.ts";

/** A task with what its model and training need. */
export interface Task {
  readonly source: (length: number, seed: number) => DataSource;
  /** A letter for each token. */
  readonly letters: string;
  readonly model: Partial<MambaLMConfigInput>;
  readonly training: Partial<TrainConfigInput>;
  /** The loss of a model that knows which tokens are possible, and nothing else. */
  readonly guessLoss: number;
}

/** Tokens of a selective copy. Few, so that it is learned in a minute. */
const copied = 3;

export const tasks: Readonly<Record<TaskId, Task>> = {
  induction: {
    source: (length, seed) => inductionHeads({ length, seed }),
    letters: "ABCDEFGHIJKLMNO★",
    // As in the recipe that goes on to a million tokens: deltas that start so small let the state last.
    model: { dtMin: 1e-12, dtMax: 1e-11, dtInitFloor: 1e-13 },
    training: { eps: 1e-20 },
    guessLoss: Math.log(15),
  },
  copying: {
    source: (length, seed) => selectiveCopying({ length, tokens: copied, vocabSize: 10, seed }),
    letters: "·ABCDEFGH?",
    model: {},
    training: {},
    guessLoss: Math.log(8),
  },
};

export function modelConfig(task: Task, { width }: TrainingSettings): MambaLMConfigInput {
  return { ...task.model, dModel: width, nLayers: 2, vocabSize: task.letters.length };
}

export function trainConfig(task: Task, { steps, rate, seed }: TrainingSettings): TrainConfigInput {
  const warmupSteps = Math.min(20, steps);
  return { ...task.training, steps, lr: rate, seed, batchSize: 16, warmupSteps, schedule: "constant" };
}
