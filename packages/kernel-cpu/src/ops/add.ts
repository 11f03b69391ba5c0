import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise } from "./elementwise.ts";

export function add(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("add", a, b);
  return elementwise(runtime, "add", a, b, 0);
}
