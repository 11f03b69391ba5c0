import type { Op } from "../op.ts";
import { sequenceIndex } from "../sequenceIndex.ts";

/** Positions that one block computes. */
const chunkLength = 16;

export const causalConv1d: Op<"causalConv1d"> = (runtime, sizes, conv, want) => {
  const op = "causalConv1d";
  const { batch, length, channels, width } = sizes;
  const { x, weight, bias, initialState, sequenceIds, activation } = conv;
  const index = sequenceIndex(runtime, op, sequenceIds);
  const y = runtime.result(op, x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  const block = Math.min(32 * Math.ceil(channels / 32), 256);
  const chunks = Math.ceil(length / chunkLength) + (finalState ? 1 : 0);
  const grid = Math.ceil(channels / block) * chunks * batch;
  const tensors = [x, weight, bias, initialState, ...(index ? [index] : []), y, finalState];
  const scalars = [length, channels, width, x.rowStride, activation === "silu"];
  runtime.launch(op, index ? "causalConv1dPacked" : op, grid, block, [...tensors, ...scalars]);
  index?.dispose();
  return finalState ? { y, finalState } : { y };
};
