import { byteOffset } from "@mamba/kernel";
import type { Op } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";
import { attentionArgs, attentionNanoseconds } from "./attention.ts";
import { copyRows } from "./copyDense.ts";

export const cachedAttention: Op<"cachedAttention"> = (runtime, sizes, args) => {
  const { batch, length, heads, valueDim, capacity } = sizes;
  const { k, v, keys, values, lengths } = args;
  const y = runtime.result("cachedAttention", [batch, length, heads * valueDim]);
  const starts = Array.from(runtime.heap.copy("i32", lengths.address, batch), (start) =>
    Math.min(Math.max(start, 0), capacity - length),
  );
  starts.forEach((start, row) => {
    writePositions(keys, k, row, start);
    writePositions(values, v, row, start);
  });
  const record = {
    attentionArgs: {
      ...attentionArgs({ ...args, k: keys, v: values }, sizes),
      starts: lengths,
      positions: capacity,
    },
    y,
    logSums: undefined,
  };
  const seen = starts.reduce((sum, start) => sum + start + (length + 1) / 2, 0) / batch;
  runtime.run("attention", record, attentionNanoseconds(sizes, seen));
  return y;
};

/** Copies the positions of row `row` of x to those of the cache from `start` on. */
function writePositions(cache: CpuTensor, x: CpuTensor, row: number, start: number): void {
  const [, length = 1, width = 1] = x.shape;
  const [, capacity = 1] = cache.shape;
  const bytes = byteOffset("f32", width);
  const { instance } = cache.storage;
  copyRows(instance, cache.localAddress + (row * capacity + start) * bytes, {
    instance: x.storage.instance,
    address: x.localAddress + byteOffset("f32", row * length * x.rowStride),
    rows: length,
    rowBytes: bytes,
    stride: byteOffset("f32", x.rowStride),
  });
}
