import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { isNan } from "../wgsl/math.ts";

const reluSquaredBackwardShader = elementwiseShader(
  "reluSquaredBackward",
  "a * select(2.0 * max(b, 0.0), b, isNan(b))",
  isNan,
);

export const reluSquaredBackward: Op<"reluSquaredBackward"> = (runtime, _, dy, x) =>
  elementwise(runtime, "reluSquaredBackward", reluSquaredBackwardShader, dy, { b: x });
