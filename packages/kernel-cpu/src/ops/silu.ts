import { checkUnary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function silu(runtime: Runtime, x: Tensor): Tensor {
  checkUnary("silu", x);
  return elementwise(runtime, "silu", x, undefined, 0);
}
