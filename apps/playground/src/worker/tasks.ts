import type { MambaLMConfigInput } from "@mamba/core";
import { inductionHeads, selectiveCopying } from "@mamba/tasks";
import type { DataSource, TrainConfigInput } from "@mamba/train";
import type { TaskId, TrainingSettings } from "../protocol.ts";

/** A task, and the letters that show its examples. */
export interface Task {
  readonly source: (length: number, seed: number) => DataSource;
  /** A letter for each token. */
  readonly letters: string;
  /** The loss of a model that guesses among the possible tokens. */
  readonly guessLoss: number;
}

/** Tokens of a selective copy. Few, so that a model learns it in a minute. */
const copied = 3;

export const tasks: Readonly<Record<TaskId, Task>> = {
  induction: {
    source: (length, seed) => inductionHeads({ length, seed }),
    letters: "ABCDEFGHIJKLMNO★",
    guessLoss: Math.log(15),
  },
  copying: {
    source: (length, seed) => selectiveCopying({ length, tokens: copied, vocabSize: 10, seed }),
    letters: "·ABCDEFGH?",
    guessLoss: Math.log(8),
  },
};

export function modelConfig(task: Task, { width }: TrainingSettings): MambaLMConfigInput {
  return { dModel: width, nLayers: 2, vocabSize: task.letters.length };
}

export function trainConfig({ steps, rate, seed }: TrainingSettings): TrainConfigInput {
  const warmupSteps = Math.min(20, steps);
  return { steps, lr: rate, seed, batchSize: 16, warmupSteps };
}
