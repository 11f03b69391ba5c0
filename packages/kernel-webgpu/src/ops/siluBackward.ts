import { checkSiluBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { siluSlope } from "../wgsl/math.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

const siluBackwardShader = elementwiseShader("siluBackward", "a * siluSlope(b)", siluSlope);

export function siluBackward(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  checkSiluBackward(dy, x);
  return elementwise(runtime, "siluBackward", siluBackwardShader, dy, x, 0);
}
