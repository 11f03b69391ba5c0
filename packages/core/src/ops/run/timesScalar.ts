import { elementCount, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import type { LossGradient } from "./opRun.ts";

/** x times a number of the host or a tensor [1] of the device. */
export function timesScalar(kernel: TrainingKernel, x: Tensor, factor: LossGradient): Tensor {
  if (typeof factor === "number") return kernel.scale(x, factor);
  // No op multiplies by a device scalar, so it is spread over the shape of x by exact ops: a lookup, then 1 · factor.
  const width = x.shape.at(-1) ?? 1;
  const rows = elementCount(x.shape) / width;
  using scope = new Scope();
  const zeros = scope.use(kernel.zeros([width], "i32"));
  const table = scope.use(kernel.reshape(factor, [1, 1]));
  const row = scope.use(kernel.embedding(zeros, table)); // [width, 1]
  const ones = scope.use(kernel.upload(new Float32Array(rows).fill(1), [rows, 1], "f32"));
  const spread = scope.use(kernel.linear(ones, row)); // [rows, width]
  return kernel.mul(x, scope.use(kernel.reshape(spread, x.shape)));
}
