import { checkScale, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

export const scaleShader = elementwiseShader("scale", "a * factor");

export function scale(runtime: Runtime, x: Tensor, factor: number): Tensor {
  checkScale(x, factor);
  return elementwise(runtime, "scale", scaleShader, x, undefined, factor);
}
