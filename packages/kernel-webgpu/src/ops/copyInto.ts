import { byteLength, byteOffset, isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { copyRowsInto } from "../shared/copyRows.ts";
import { narrow } from "../shared/narrow.ts";

export const copyInto: Op<"copyInto"> = (runtime, _, target, source) => {
  const op = "copyInto";
  if (source.dtype !== target.dtype) {
    narrow(runtime, op, target, source);
    return;
  }
  if (!isDense(source)) {
    copyRowsInto(runtime, op, target, source, rowCount(source), lastExtent(source.shape), undefined);
    return;
  }
  const { commands, pool } = runtime;
  const { buffer } = target.storage;
  const from = byteOffset(source.dtype, source.offset);
  const to = byteOffset(target.dtype, target.offset);
  const bytes = Math.ceil(byteLength(target.dtype, target.shape) / 4) * 4;
  if (source.storage === target.storage) {
    // WebGPU does not copy within a buffer.
    const copy = pool.take(bytes, `${op}: copy of source`);
    copy.used = true;
    commands.copy(op, buffer, from, copy, 0, bytes);
    commands.copy(op, copy, 0, buffer, to, bytes);
    pool.give(copy);
  } else commands.copy(op, source.storage.buffer, from, buffer, to, bytes);
  commands.write(target.storage);
};
