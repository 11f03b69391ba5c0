import { elementCount, type Tensor, type TrainingKernel } from "@mamba/kernel";
import type { LossGradient } from "./opRun.ts";

/** x, which is dense, times a number of the host or a tensor [1] of the device. */
export function timesScalar(kernel: TrainingKernel, x: Tensor, factor: LossGradient): Tensor {
  if (typeof factor === "number") return kernel.scale(x, factor);
  using column = kernel.reshape(x, [elementCount(x.shape), 1]);
  using products = kernel.mul(column, factor);
  return kernel.reshape(products, x.shape);
}
