import type { MambaLM } from "@mamba/core";
import { type DataSource, evaluate, ignoreIndex, languageModel } from "@mamba/train";
import type { Answer, Score, TaskSettings } from "../../protocol.ts";
import { tasks } from "./tasks.ts";

/** A trained model is evaluated at its own length and at these multiples, which it has never seen. */
const multiples = [1, 4, 16];
/** Unseen examples that a score is computed from. */
export const examplesPerScore = 32;

/** Accuracy and loss on unseen examples, of the length in training and of longer ones. */
export async function scoresOf(
  model: MambaLM,
  settings: TaskSettings,
  signal: AbortSignal,
): Promise<Score[]> {
  const scores: Score[] = [];
  for (const multiple of multiples) {
    const length = settings.length * multiple;
    const unseen = unseenExamples(settings, length);
    const { accuracy, loss } = await evaluate(languageModel(model), unseen, {
      examples: examplesPerScore,
      batchSize: 16,
      signal,
    });
    scores.push({ length, accuracy, loss });
  }
  return scores;
}

/** The model's answer to one unseen example, in letters. */
export async function answerOf(model: MambaLM, settings: TaskSettings, index: number): Promise<Answer> {
  const { kernel } = model;
  const { ids, targets } = await unseenExamples(settings, settings.length).example(index);
  using tokens = kernel.upload(ids, [1, ids.length], "i32");
  using logits = model.forward(tokens);
  using rows = kernel.reshape(logits, [ids.length, model.config.vocabSize]);
  using best = kernel.argmax(rows);
  const [chosen = []] = await kernel.read(best);
  const { letters } = tasks[settings.task];
  const write = (some: Iterable<number>): string => Array.from(some, (id) => letters[id] ?? "").join("");
  const atTargets = (values: ArrayLike<number>): number[] =>
    Array.from(values).filter((_, i) => targets[i] !== ignoreIndex);
  return {
    given: write(ids.subarray(0, settings.length)),
    expected: write(atTargets(targets)),
    answered: write(atTargets(chosen)),
  };
}

function unseenExamples({ task, seed }: TaskSettings, length: number): DataSource {
  return tasks[task].source(length, seed + 1);
}
