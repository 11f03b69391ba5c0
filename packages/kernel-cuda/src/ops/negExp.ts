import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { unary } from "./elementwise.ts";

export function negExp(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("negExp", x);
  return unary(runtime, "negExp", x);
}
