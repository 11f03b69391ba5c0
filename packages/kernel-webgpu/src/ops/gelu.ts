import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { geluGates } from "../wgsl/gelu.ts";

const shaders = {
  none: elementwiseShader("gelu none", "a * gate(a)", geluGates.none),
  tanh: elementwiseShader("gelu tanh", "a * gate(a)", geluGates.tanh),
};

export const gelu: Op<"gelu"> = (runtime, _, x, approximate) =>
  elementwise(runtime, "gelu", shaders[approximate], x);
