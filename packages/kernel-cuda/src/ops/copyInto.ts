import { byteLength, byteOffset, elementCount, isDense } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { copyRows, copyRowsInto } from "../copyRows.ts";
import { block, blocksOf, rowsOf } from "../elementwise.ts";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { copyGrid } from "../upload.ts";

export const copyInto: Op<"copyInto"> = (runtime, _sizes, target, source) => {
  if (target.dtype !== source.dtype) {
    const kernel = target.dtype === "f16" ? "copyRounded_f16" : "copyRounded_bf16";
    const [rows, width] = rowsOf(source);
    runtime.launch("copyInto", kernel, blocksOf(rows * width), block, [source, target, rows, width]);
    return;
  }
  if (target.storage !== source.storage || areApart(target, source)) {
    copy(runtime, target, source);
    return;
  }
  // The threads of one launch would overwrite what others still read.
  using all = copyRows(runtime, "copyInto", source);
  copy(runtime, target, all);
};

/** Copies between memory that does not overlap. */
function copy(runtime: Runtime, target: CudaTensor, source: CudaTensor): void {
  const op = "copyInto";
  const isAligned = [target, source].every(({ dtype, offset }) => byteOffset(dtype, offset) % 16 === 0);
  if (!isDense(source) || !isAligned) {
    copyRowsInto(runtime, op, target, source, rowCount(source), undefined);
    return;
  }
  const bytes = byteLength(target.dtype, target.shape);
  runtime.launch(op, "copy", copyGrid(bytes), 256, [target, source, Math.floor(bytes / 16), bytes % 16]);
}

/** True when two tensors on one memory share no element, and all of one lies before the other. */
function areApart(target: CudaTensor, source: CudaTensor): boolean {
  const [from, to] = [source.offset, source.offset + rowCount(source) * source.rowStride];
  return target.offset + elementCount(target.shape) <= from || target.offset >= to;
}
