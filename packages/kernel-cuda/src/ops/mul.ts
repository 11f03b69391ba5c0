import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { binary } from "./elementwise.ts";

export function mul(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("mul", a, b);
  return binary(runtime, "mul", a, b);
}
