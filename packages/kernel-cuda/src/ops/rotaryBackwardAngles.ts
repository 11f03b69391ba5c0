import { elementCount } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { rotaryBlock, rotaryWords } from "./rotary.ts";

export const rotaryBackwardAngles: Op<"rotaryBackwardAngles"> = (runtime, sizes, dy, args) => {
  const op = "rotaryBackwardAngles";
  const { x, angles } = args;
  const dAngles = runtime.result(op, angles.shape);
  const blocks = Math.ceil(elementCount(angles.shape) / rotaryBlock);
  const words = rotaryWords(sizes, args);
  runtime.launch(op, op, blocks, rotaryBlock, [dy, x, angles, dAngles, words, dy.rowStride]);
  return dAngles;
};
