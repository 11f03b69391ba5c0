import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { expertCountsShader, expertOrderShader } from "./groupShaders.ts";

/** Sorts the choices by expert: see `expertOrderShader`. The caller disposes the result. */
export function expertOrder(
  runtime: Runtime,
  op: string,
  experts: WebGpuTensor,
  choices: number,
  expertCount: number,
): WebGpuTensor {
  const params = { choices, expertCount };
  const counts = runtime.result(op, [expertCount], "i32");
  runtime.run(op, expertCountsShader, { experts, counts, loads: undefined }, params, expertCount);
  const order = runtime.result(op, [choices + expertCount + 1], "i32");
  runtime.run(op, expertOrderShader, { experts, counts, order }, params, expertCount);
  counts.dispose();
  return order;
}
