import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

export const negExpShader = elementwiseShader("negExp", "-exp(a)");

export function negExp(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("negExp", x);
  return elementwise(runtime, "negExp", negExpShader, x, undefined, 0);
}
