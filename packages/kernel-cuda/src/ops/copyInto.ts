import { isDense } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { copyRowsInto } from "../copyRows.ts";
import type { Op } from "../op.ts";
import { copyGrid } from "../upload.ts";

export const copyInto: Op<"copyInto"> = (runtime, _sizes, target, source) => {
  const op = "copyInto";
  // A dense tensor covers all of its memory: a source of the same memory and shape is the target itself.
  if (target.storage === source.storage) return;
  if (!isDense(source)) {
    copyRowsInto(runtime, op, target, source, rowCount(source), undefined);
    return;
  }
  const { bytes } = target.storage;
  runtime.launch(op, "copy", copyGrid(bytes), 256, [target, source, Math.floor(bytes / 16), bytes % 16]);
};
