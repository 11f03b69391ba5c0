import { rowCount, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/** Threads of a block of the kernels that take a dense result element by element; each takes four. */
export const block = 256;

/** Blocks for `count` numbers of a dense result. */
export function blocksOf(count: number): number {
  return Math.ceil(count / (4 * block));
}

/** Runs an op on a checked argument, with what its kernel takes beside it. */
export function unary(
  runtime: Runtime,
  op: "scale" | "silu" | "negExp",
  x: Tensor,
  ...scalars: number[]
): CudaTensor {
  runtime.checkOpen(op);
  const own = runtime.own(op, "x", x);
  const [rows, width] = rowsOf(x);
  const y = runtime.result(op, x.shape);
  runtime.launch(op, op, blocksOf(rows * width), block, [own, y, rows, width, x.rowStride, ...scalars]);
  return y;
}

/** Runs an op on two checked arguments of one shape. */
export function binary(runtime: Runtime, op: "add" | "mul", a: Tensor, b: Tensor): CudaTensor {
  runtime.checkOpen(op);
  const [first, second] = [runtime.own(op, "a", a), runtime.own(op, "b", b)];
  const [rows, width] = rowsOf(a);
  const y = runtime.result(op, a.shape);
  const args = [first, second, y, rows, width, a.rowStride, b.rowStride];
  runtime.launch(op, op, blocksOf(rows * width), block, args);
  return y;
}

/** How many rows, and how wide they are. */
export function rowsOf(x: Tensor): [rows: number, width: number] {
  return [rowCount(x), x.shape[x.shape.length - 1] as number];
}
