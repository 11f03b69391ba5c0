import { checkBinary, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { elementwise, elementwiseShader } from "./elementwise.ts";

export const addShader = elementwiseShader("add", "a + b");

export function add(runtime: Runtime, a: Tensor, b: Tensor): Tensor {
  checkBinary("add", a, b);
  return elementwise(runtime, "add", addShader, a, b, 0);
}
