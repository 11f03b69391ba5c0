import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

export const mulShader = elementwiseShader("mul", "a * b");

export function mul(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("mul", a, b);
  return elementwise(runtime, "mul", mulShader, a, b, 0);
}
