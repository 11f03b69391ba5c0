import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { hyperbolicTangent } from "../wgsl/math.ts";

const tanhShader = elementwiseShader("tanh", "hyperbolicTangent(a)", hyperbolicTangent);

export const tanh: Op<"tanh"> = (runtime, _, x) => elementwise(runtime, "tanh", tanhShader, x);
