import { byteOffset } from "@mamba/kernel";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";
import { rowsOf } from "./elementwise.ts";

const block = 256;

/** The rows that `gatherRows` copies: `index` of the first axis, each of which is `each` rows of the last axis. */
export interface Selection {
  readonly index: CudaTensor;
  readonly each: number;
}

/** The unit in which rows are copied. */
export interface Units {
  /** Bytes per unit: 16, 4 or 2. */
  readonly unit: number;
  /** Units per row. */
  readonly width: number;
  /** Units from the start of one row of the source to the next. */
  readonly stride: number;
}

/** The largest unit that divides the rows of `source`, their stride, and the addresses of `source` and `target`. */
export function unitsOf(source: CudaTensor, target?: CudaTensor): Units {
  const [, width] = rowsOf(source);
  const bytes = (elements: number) => byteOffset(source.dtype, elements);
  const fits = (unit: number) =>
    [width, source.rowStride, source.offset, target?.offset ?? 0].every((count) => bytes(count) % unit === 0);
  const unit = [16, 4].find(fits) ?? 2;
  return { unit, width: bytes(width) / unit, stride: bytes(source.rowStride) / unit };
}

/** Blocks for `rows` rows of `width` units. */
export function copyBlocks(rows: number, width: number): number {
  return Math.ceil((rows * width) / block);
}

/** A new dense tensor with the rows of `source`. */
export function copyRows(runtime: Runtime, op: string, source: CudaTensor): CudaTensor {
  const target = runtime.result(op, source.shape, source.dtype);
  copyRowsInto(runtime, op, target, source, rowsOf(source)[0], undefined);
  return target;
}

/** Overwrites the `rows` rows of the dense `target` with the rows of `source`: all in order, or a selection. */
export function copyRowsInto(
  runtime: Runtime,
  op: string,
  target: CudaTensor,
  source: CudaTensor,
  rows: number,
  selection: Selection | undefined,
): void {
  const { unit, width, stride } = unitsOf(source, target);
  const args = [source, selection?.index, target, rows, width, stride, unit, selection?.each ?? 1];
  runtime.launch(op, "copyRows", copyBlocks(rows, width), block, args);
}
