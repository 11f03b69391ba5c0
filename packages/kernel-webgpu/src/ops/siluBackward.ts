import type { Op } from "../op.ts";
import { siluSlope } from "../wgsl/math.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

const siluBackwardShader = elementwiseShader("siluBackward", "a * siluSlope(b)", siluSlope);

export const siluBackward: Op<"siluBackward"> = (runtime, _, dy, x) =>
  elementwise(runtime, "siluBackward", siluBackwardShader, dy, x, 0);
