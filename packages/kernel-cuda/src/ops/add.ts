import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { binary } from "./elementwise.ts";

export function add(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("add", a, b);
  return binary(runtime, "add", a, b);
}
