import { elementCount, lastExtent } from "@mamba/kernel";
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

/** Threads of a block that goes over one row of `width` elements, four per thread until there are `most` threads. */
export function rowBlock(width: number, most: number): number {
  return Math.min(32 * Math.ceil(width / 128), most);
}

/** Number and width of the rows of a tensor. */
export function rowsOf(x: CudaTensor): [rows: number, width: number] {
  return [rowCount(x), lastExtent(x.shape)];
}

/** Runs an op on one tensor. `scalars` follow the tensor arguments of its GPU kernel. */
export function unary(
  runtime: Runtime,
  op: string,
  kernel: KernelName,
  x: CudaTensor,
  ...scalars: number[]
): CudaTensor {
  const [rows, width] = rowsOf(x);
  const y = runtime.result(op, x.shape);
  runtime.launch(op, kernel, blocksOf(rows * width), block, [x, y, rows, width, x.rowStride, ...scalars]);
  return y;
}

/** Runs an op on two tensors, of which `b` has the shape of `a`, or that of its last axes: then it is repeated. */
export function binary(
  runtime: Runtime,
  op: string,
  kernel: KernelName,
  a: CudaTensor,
  b: CudaTensor,
): CudaTensor {
  const [rows, width] = rowsOf(a);
  const y = runtime.result(op, a.shape);
  // A repeated b is one row, which starts again at the same address.
  const isRepeated = b.shape.length < a.shape.length;
  const [bWidth, bStride] = isRepeated ? [elementCount(b.shape), 0] : [width, b.rowStride];
  const args = [a, b, y, rows, width, a.rowStride, bWidth, bStride];
  runtime.launch(op, kernel, blocksOf(rows * width), block, args);
  return y;
}
