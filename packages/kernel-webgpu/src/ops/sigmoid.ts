import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { isNan, sigmoid as sigmoidFunction } from "../wgsl/math.ts";

const sigmoidShader = elementwiseShader(
  "sigmoid",
  "select(sigmoid(a), a, isNan(a))",
  isNan + sigmoidFunction,
);

export const sigmoid: Op<"sigmoid"> = (runtime, _, x) => elementwise(runtime, "sigmoid", sigmoidShader, x);
