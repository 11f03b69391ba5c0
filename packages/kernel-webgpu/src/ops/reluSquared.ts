import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { isNan } from "../wgsl/math.ts";

export const reluSquaredShader = elementwiseShader(
  "reluSquared",
  "select(max(a, 0.0) * max(a, 0.0), a, isNan(a))",
  isNan,
);

export const reluSquared: Op<"reluSquared"> = (runtime, _, x) =>
  elementwise(runtime, "reluSquared", reluSquaredShader, x);
