import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

// dy (1 - y²), as a product that loses no digits where y is near 1.
const tanhBackwardShader = elementwiseShader("tanhBackward", "a * ((1.0 - b) * (1.0 + b))");

export const tanhBackward: Op<"tanhBackward"> = (runtime, _, dy, y) =>
  elementwise(runtime, "tanhBackward", tanhBackwardShader, dy, { b: y });
