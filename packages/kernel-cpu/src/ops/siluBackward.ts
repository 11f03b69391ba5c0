import { checkSiluBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function siluBackward(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  checkSiluBackward(dy, x);
  return elementwise(runtime, "siluBackward", dy, x, 0);
}
