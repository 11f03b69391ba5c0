import { byteOffset } from "@mamba/kernel";
import type { AttentionSizes } from "@mamba/kernel/author";
import { ATTENTION_CHUNK as chunkKeys } from "../generated/records.ts";
import type { Op } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";
import { attentionArgs, attentionNanoseconds } from "./attention.ts";
import { copyRows } from "./copyDense.ts";

/** Calls of more positions have enough units without chunks. */
const manyPositions = 1;
/** Units that are enough for most numbers of threads. */
const enoughUnits = 16;

export const cachedAttention: Op<"cachedAttention"> = (runtime, sizes, args) => {
  const { batch, length, heads, kvHeads, valueDim, capacity } = sizes;
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
  const nanoseconds = attentionNanoseconds(sizes, seen);
  const chunks = Math.ceil((starts.reduce((a, b) => Math.max(a, b)) + length) / chunkKeys);
  // Few positions with many keys have few units, so their keys are shared by chunks.
  const pairs = batch * kvHeads;
  if (length > manyPositions || pairs >= enoughUnits || chunks === 1) {
    runtime.run("attention", { ...record, sums: undefined, chunks: 0 }, nanoseconds);
    return y;
  }
  const sums = runtime.temporary("cachedAttention", pairs * chunks * sumsBytes(sizes));
  try {
    runtime.run("attention", { ...record, sums, chunks }, nanoseconds);
    runtime.run("attentionMerge", { ...record, sums, chunks }, (chunks * batch * heads * valueDim) / 2);
  } finally {
    runtime.heap.free(sums);
  }
  return y;
};

/** Bytes of the sums of all positions of a key head: those of a unit in assembly/attention.ts, which takes them all. */
function sumsBytes({ length, heads, kvHeads, valueDim }: AttentionSizes): number {
  return Math.ceil((((length * heads) / kvHeads) * (12 + 4 * valueDim)) / 16) * 16;
}

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
