import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { isNan, nan } from "../wgsl/math.ts";

// WGSL does not define the sqrt of a negative number, and that of some drivers maps NaN to a number.
const sqrtShader = elementwiseShader("sqrt", "select(sqrt(a), nan(), a < 0.0 || isNan(a))", isNan + nan);

export const sqrt: Op<"sqrt"> = (runtime, _, x) => elementwise(runtime, "sqrt", sqrtShader, x);
