import { checkScale, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function scale(runtime: Runtime, x: Tensor, factor: number): Tensor {
  checkScale(x, factor);
  return elementwise(runtime, "scale", x, undefined, factor);
}
