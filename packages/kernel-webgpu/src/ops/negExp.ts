import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { isNan } from "../wgsl/math.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

// A driver's exp may make a number of a NaN.
export const negExpShader = elementwiseShader("negExp", "select(-exp(a), a, isNan(a))", isNan);

export function negExp(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("negExp", x);
  return elementwise(runtime, "negExp", negExpShader, x, undefined, 0);
}
