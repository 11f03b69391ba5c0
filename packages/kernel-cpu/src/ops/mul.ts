import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function mul(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("mul", a, b);
  return elementwise(runtime, "mul", a, b, 0);
}
