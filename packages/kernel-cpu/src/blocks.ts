import { byteOffset, elementCount, lastExtent } from "@mamba/kernel";
import type { Chunk } from "./allocator.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

// The blocks of a quantised tensor go between the host and the layout of assembly/quantized/layout.ts through a chunk of the heap.

const stagingBytes = 4 * 2 ** 20;

/** Writes rows of blocks, as a file has them, from row `first` on. @throws KernelError `OUT_OF_MEMORY` */
export function writeBlocks(
  runtime: Runtime,
  op: string,
  target: CpuTensor,
  first: number,
  data: Uint8Array,
): void {
  eachChunk(runtime, op, target, data.length, (staging, row, begin, end) => {
    runtime.heap.bytes(staging.address, end - begin).set(data.subarray(begin, end));
    runJob(runtime, "repack", target, staging, first + row, end - begin);
  });
}

/** Returns the blocks of a tensor as they were written. @throws KernelError `OUT_OF_MEMORY` */
export function readBlocks(runtime: Runtime, source: CpuTensor): Uint8Array {
  const data = new Uint8Array(byteOffset(source.dtype, elementCount(source.shape)));
  eachChunk(runtime, "read", source, data.length, (staging, row, begin, end) => {
    runJob(runtime, "restore", source, staging, row, end - begin);
    data.set(runtime.heap.bytes(staging.address, end - begin), begin);
  });
  return data;
}

/** Calls `copy` for chunks of whole rows, with a chunk of memory, the first row, and the bytes [begin, end) of all rows. */
function eachChunk(
  runtime: Runtime,
  op: string,
  tensor: CpuTensor,
  bytes: number,
  copy: (staging: Chunk, row: number, begin: number, end: number) => void,
): void {
  if (bytes === 0) return;
  const rowBytes = byteOffset(tensor.dtype, lastExtent(tensor.shape));
  const chunkBytes = Math.max(Math.floor(stagingBytes / rowBytes), 1) * rowBytes;
  const staging = runtime.temporary(op, Math.min(chunkBytes, bytes));
  try {
    for (let begin = 0; begin < bytes; begin += chunkBytes) {
      copy(staging, begin / rowBytes, begin, Math.min(begin + chunkBytes, bytes));
    }
  } finally {
    runtime.heap.free(staging);
  }
}

function runJob(
  runtime: Runtime,
  job: "repack" | "restore",
  weight: CpuTensor,
  rows: Chunk,
  firstRow: number,
  bytes: number,
): void {
  const columns = lastExtent(weight.shape);
  const count = bytes / byteOffset(weight.dtype, columns);
  // 4 bytes per nanosecond.
  runtime.run(job, { rows, weight, firstRow, count, columns, weightType: weight.dtype }, bytes / 4);
}
