import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { unary } from "./elementwise.ts";

export function silu(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("silu", x);
  return unary(runtime, "silu", x);
}
