import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { sigmoid } from "../wgsl/math.ts";

export const siluShader = elementwiseShader("silu", "a * sigmoid(a)", sigmoid);

export const silu: Op<"silu"> = (runtime, _, x) => elementwise(runtime, "silu", siluShader, x);
