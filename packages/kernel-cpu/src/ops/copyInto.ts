import { byteLength, elementCount, isDense } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { copyDense } from "./copyDense.ts";

export const copyInto: Op<"copyInto"> = (runtime, _, target, source) => {
  source.unpacked();
  target.unpacked();
  if (source.dtype !== target.dtype) {
    const count = elementCount(target.shape);
    runtime.run("narrow", { x: source, y: target, count, type: target.dtype }, 0.5 * count);
    return;
  }
  if (isDense(source) || source.storage !== target.storage) {
    copyDense(runtime, target.address, source);
    return;
  }
  // The first rows that are written may hold later rows of the source.
  const bytes = byteLength(source.dtype, source.shape);
  const copy = runtime.temporary("copyInto", bytes);
  copyDense(runtime, copy.address, source);
  runtime.wasm.copyRows(target.address, copy.address, 1, bytes, bytes);
  runtime.heap.free(copy);
};
