import type { Kernel, Shape, Tensor } from "@mamba/kernel";
import type { ConstantData } from "./opRun.ts";

/** Uploads a constant as i32 or f32, by the type of the array. */
export function uploadConstant(kernel: Kernel, data: ConstantData, shape: Shape): Tensor {
  return kernel.upload(data, shape, data instanceof Float32Array ? "f32" : "i32");
}
