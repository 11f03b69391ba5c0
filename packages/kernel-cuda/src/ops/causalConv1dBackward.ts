import type { Op } from "../op.ts";
import { sequenceIndex } from "../sequenceIndex.ts";
import { addRows } from "./sumRows.ts";

/** Threads per block, one for each channel. */
const block = 128;
/**
 * Positions per thread. The W-1 positions behind them are computed twice, and each thread writes W + 1 partial sums, so
 * longer chunks cost less.
 */
const chunkLength = 64;

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (runtime, sizes, dy, conv, dFinalState) => {
  const op = "causalConv1dBackward";
  const { batch, length, channels, width } = sizes;
  const { x, weight, bias, initialState, sequenceIds, activation } = conv;
  const index = sequenceIndex(runtime, op, sequenceIds);
  const dx = runtime.result(op, x.shape);
  const dWeight = runtime.result(op, weight.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const dInitial = initialState && runtime.result(op, initialState.shape);

  const inputs = [dy, x, weight, bias, initialState];
  const scalars = [length, channels, width, dy.rowStride, x.rowStride, activation === "silu"];
  const chunks = batch * Math.ceil(length / chunkLength);
  const weights = runtime.result(op, [chunks, channels * width]);
  const biases = dBias && runtime.result(op, [chunks, channels]);
  const blocks = chunks * Math.ceil(channels / block);
  const flows = [...inputs, ...(index ? [index] : []), dFinalState];
  const args = [...flows, dx, weights, biases, ...scalars, chunkLength];
  runtime.launch(op, index ? "causalConv1dBackwardPacked" : op, blocks, block, args);
  addRows(runtime, op, weights, chunks, channels * width, dWeight);
  if (biases && dBias) addRows(runtime, op, biases, chunks, channels, dBias);
  if (dInitial) {
    const count = batch * channels * (width - 1);
    const stateArgs = [...inputs, index, dFinalState, dInitial, batch, ...scalars];
    runtime.launch(op, "causalConv1dBackwardState", Math.ceil(count / block), block, stateArgs);
  }
  for (const temporary of [index, weights, biases]) temporary?.dispose();
  return {
    x: dx,
    weight: dWeight,
    ...(dBias && { bias: dBias }),
    ...(dInitial && { initialState: dInitial }),
  };
};
