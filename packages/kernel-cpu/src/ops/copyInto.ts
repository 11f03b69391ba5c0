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
  const { instance } = target.storage;
  if (isDense(source) || source.storage !== target.storage) {
    copyDense(instance, target.localAddress, source);
    return;
  }
  // The first rows that are written may hold later rows of the source.
  const bytes = byteLength(source.dtype, source.shape);
  const copy = runtime.temporary("copyInto", bytes);
  copyDense(runtime.main, copy.address, source);
  instance.heap.copyFrom(runtime.heap, copy.address, bytes, target.localAddress);
  runtime.heap.free(copy);
};
