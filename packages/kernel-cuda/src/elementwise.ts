import { lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { KernelName } from "./kernels.ts";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** Threads per block of the GPU kernels that compute a dense result element by element, four elements per thread. */
export const block = 256;

/** Blocks for `count` elements of a dense result. */
export function blocksOf(count: number): number {
  return Math.ceil(count / (4 * block));
}

/** Number and width of the rows of a tensor. */
export function rowsOf(x: CudaTensor): [rows: number, width: number] {
  return [rowCount(x), lastExtent(x.shape)];
}

/** Runs an op on one tensor; its GPU kernel has the same name, and `scalars` follow its tensor arguments. */
export function unary(runtime: Runtime, op: KernelName, x: CudaTensor, ...scalars: number[]): CudaTensor {
  const [rows, width] = rowsOf(x);
  const y = runtime.result(op, x.shape);
  runtime.launch(op, op, blocksOf(rows * width), block, [x, y, rows, width, x.rowStride, ...scalars]);
  return y;
}

/** Runs an op on two tensors of one shape; its GPU kernel has the same name. */
export function binary(runtime: Runtime, op: KernelName, a: CudaTensor, b: CudaTensor): CudaTensor {
  const [rows, width] = rowsOf(a);
  const y = runtime.result(op, a.shape);
  const args = [a, b, y, rows, width, a.rowStride, b.rowStride];
  runtime.launch(op, op, blocksOf(rows * width), block, args);
  return y;
}
