import type { CheckpointSummary } from "@mamba/checkpoint/browser";
import { stateBytes } from "@mamba/core";
import { type Kernel, KernelError } from "@mamba/kernel";
import { type MemoryBudget, pageBytes, parametersIn } from "../../device.ts";
import { inMegabytes } from "../../size.ts";

/** Positions of a prompt that are read between two checks for messages from the page. */
export const chunkLength = 128;
/** The length of a conversation for which the state is predicted. */
const length = 2048;
/** States that a conversation keeps, beside the current one. */
export const keptStates = 4;

/** The memory that a model takes on a kernel, in bytes. */
export interface MemoryNeed {
  readonly weights: number;
  /** The state of a conversation, the states that it keeps, and the scratch memory of reading a prompt. */
  readonly working: number;
  readonly largest: { readonly name: string; readonly bytes: number } | undefined;
}

/** Predicts the memory of a model from the headers of its files. */
export function memoryNeed({ config, stored }: CheckpointSummary): MemoryNeed {
  if (!stored) throw new Error("the summary was made without a kernel");
  const states = (1 + keptStates) * stateBytes(config, 1, { length });
  // Per position: the input and the output of the widest module, which is no wider than eight times the model.
  const scratch = 4 * chunkLength * 2 * 8 * config.dModel + 4 * config.vocabSize;
  return { weights: stored.bytes, working: states + scratch, largest: stored.largest };
}

/**
 * Checks that a model fits, before its weights are fetched or loaded.
 *
 * @param held bytes of another model that stays in memory meanwhile
 * @throws KernelError `OUT_OF_MEMORY`, with what the model needs, what there is, and what would fit
 */
export function checkFit(
  name: string,
  { weights, working, largest }: MemoryNeed,
  { name: backend, capabilities }: Kernel,
  budget: MemoryBudget | undefined,
  held: number,
): void {
  const { maxTensorBytes } = capabilities;
  if (largest && largest.bytes > maxTensorBytes) {
    const limit = `the largest that the ${backend} backend takes here has ${inMegabytes(maxTensorBytes)}`;
    const problem = `its largest tensor ${largest.name} has ${inMegabytes(largest.bytes)}, ${limit}`;
    throw new KernelError(
      "OUT_OF_MEMORY",
      `${name} does not fit: ${problem}. Choose another backend or a smaller model`,
    );
  }
  const needed = weights + working + pageBytes;
  if (!budget || needed + held <= budget.bytes) return;
  const parts = [
    `${inMegabytes(weights)} of weights`,
    `${inMegabytes(working)} of state and scratch memory`,
    `${inMegabytes(pageBytes)} for the page`,
  ].join(", ");
  const room = Math.max(0, budget.bytes - pageBytes);
  const other =
    needed <= budget.bytes
      ? `The loaded model takes ${inMegabytes(held)} until the other is ready: reload the page, and choose the backend before the model`
      : `What fits: a model of up to ${parametersIn(room, "q4_0")} parameters in q4_0, or ${parametersIn(room, "q8_0")} in q8_0`;
  throw new KernelError(
    "OUT_OF_MEMORY",
    `${name} does not fit: it needs about ${inMegabytes(needed)} (${parts}), and this page can hold about ${inMegabytes(budget.bytes)}: ${budget.reason}. ${other}`,
  );
}
