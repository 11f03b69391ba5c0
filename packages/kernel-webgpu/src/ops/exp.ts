import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { decay, isNan } from "../wgsl/math.ts";

const expShader = elementwiseShader("exp", "decay(a)", isNan + decay);

export const exp: Op<"exp"> = (runtime, _, x) => elementwise(runtime, "exp", expShader, x);
