import type { Op } from "../op.ts";
import { isNan } from "../wgsl/math.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

// A driver's exp may make a number of a NaN.
export const negExpShader = elementwiseShader("negExp", "select(-exp(a), a, isNan(a))", isNan);

export const negExp: Op<"negExp"> = (runtime, _, x) =>
  elementwise(runtime, "negExp", negExpShader, x, undefined, 0);
