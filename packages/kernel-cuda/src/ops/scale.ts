import { checkScale, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { unary } from "./elementwise.ts";

export function scale(runtime: Runtime, x: Tensor, factor: number): Tensor {
  checkScale(x, factor);
  return unary(runtime, "scale", x, factor);
}
