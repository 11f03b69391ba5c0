import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function negExp(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("negExp", x);
  return elementwise(runtime, "negExp", x, undefined, 0);
}
