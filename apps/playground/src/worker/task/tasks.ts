import { inductionHeads, selectiveCopying } from "@mamba/tasks";
import type { DataSource } from "@mamba/train";
import type { TaskId } from "../../protocol.ts";

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
