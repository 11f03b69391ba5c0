import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { siluDerivative } from "../wgsl/math.ts";

const siluBackwardShader = elementwiseShader("siluBackward", "a * siluDerivative(b)", siluDerivative);

export const siluBackward: Op<"siluBackward"> = (runtime, _, dy, x) =>
  elementwise(runtime, "siluBackward", siluBackwardShader, dy, { b: x });
