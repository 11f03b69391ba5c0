import type { Op } from "../op.ts";
import { combineWords } from "./combineExperts.ts";

export const combineExpertsBackward: Op<"combineExpertsBackward"> = (runtime, sizes, dOut, y, weights) => {
  const op = "combineExpertsBackward";
  const { rows, perToken } = sizes;
  const grads = { y: runtime.result(op, y.shape), weights: runtime.result(op, weights.shape) };
  const words = combineWords(sizes, y, weights);
  const args = [dOut, y, weights, grads.y, grads.weights, words, dOut.rowStride];
  runtime.launch(op, op, rows * perToken, 128, args);
  return grads;
};
