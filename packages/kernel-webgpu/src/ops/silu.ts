import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { sigmoid } from "../wgsl/math.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

export const siluShader = elementwiseShader("silu", "a * sigmoid(a)", sigmoid);

export function silu(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("silu", x);
  return elementwise(runtime, "silu", siluShader, x, undefined, 0);
}
