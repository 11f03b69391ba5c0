import { byteLength, isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { copyRowsInto } from "../shared/copyRows.ts";

export const copyInto: Op<"copyInto"> = (runtime, _, target, source) => {
  const op = "copyInto";
  // A dense tensor covers all of its memory: another one of this shape on the same memory is equal.
  if (target.storage === source.storage) return;
  if (!isDense(source)) {
    copyRowsInto(runtime, op, target, source, rowCount(source), lastExtent(source.shape), undefined);
    return;
  }
  const bytes = Math.ceil(byteLength(target.dtype, target.shape) / 4) * 4;
  runtime.commands.copy(op, source.storage.buffer, 0, target.storage.buffer, 0, bytes);
  runtime.commands.write(target.storage);
};
