import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

const sigmoidBackwardShader = elementwiseShader("sigmoidBackward", "a * b * (1.0 - b)");

export const sigmoidBackward: Op<"sigmoidBackward"> = (runtime, _, dy, y) =>
  elementwise(runtime, "sigmoidBackward", sigmoidBackwardShader, dy, { b: y });
