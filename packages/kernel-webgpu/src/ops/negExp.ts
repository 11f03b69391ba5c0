import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { isNan } from "../wgsl/math.ts";

// y = -exp(x). The exp of some drivers maps NaN to a number.
export const negExpShader = elementwiseShader("negExp", "select(-exp(a), a, isNan(a))", isNan);

export const negExp: Op<"negExp"> = (runtime, _, x) => elementwise(runtime, "negExp", negExpShader, x);
