import { byteLength, elementCount, formats, isQuantized, type QuantizedDType } from "@mamba/kernel";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";
import { fill } from "./upload.ts";

// Quantised tensors are stored in planes: each field of all blocks is dense, so that adjacent threads load adjacent words. The
// bytes of the fields stay as they are, and the planes need no padding, so that a tensor takes exactly the bytes of its blocks.

/** A field of a block: its place in ggml's block, and its length, in bytes. */
type Field = readonly [place: number, bytes: number];

/**
 * The fields of each type in the order of their planes, which aligns every plane to its words; `index` is the number of the type
 * in cuda/quantized.cuh.
 */
export const quantizedTypes: Readonly<Record<QuantizedDType, { index: number; fields: readonly Field[] }>> = {
  q8_0: { index: 0, fields: [[2, 32], [0, 2]] },
  q4_0: { index: 1, fields: [[2, 16], [0, 2]] },
  q4_1: { index: 2, fields: [[4, 16], [0, 4]] },
  q5_0: { index: 3, fields: [[6, 16], [2, 4], [0, 2]] },
  q5_1: { index: 4, fields: [[8, 16], [4, 4], [0, 4]] },
  iq4_nl: { index: 5, fields: [[2, 16], [0, 2]] },
  q4_k: { index: 6, fields: [[16, 128], [0, 16]] },
  q5_k: { index: 7, fields: [[48, 128], [0, 16], [16, 32]] },
  q6_k: { index: 8, fields: [[0, 128], [128, 64], [192, 16], [208, 2]] },
}; // prettier-ignore

/** The number of a tensor's type in cuda/quantized.cuh, or undefined for other types. */
export function quantizedIndex({ dtype }: CudaTensor): number | undefined {
  return isQuantized(dtype) ? quantizedTypes[dtype].index : undefined;
}

/** Bytes of blocks that are copied to the device before they are moved to their planes. */
const chunkBytes = 2 ** 23;

/** Copies blocks of the host over those of a quantised tensor from block `first` on. */
export function writeBlocks(
  runtime: Runtime,
  op: string,
  target: CudaTensor,
  first: number,
  data: Uint8Array,
): void {
  const dtype = target.dtype as QuantizedDType;
  const { blockBytes } = formats[dtype];
  const most = Math.floor(chunkBytes / blockBytes);
  for (let done = 0; done * blockBytes < data.length; done += most) {
    const chunk = data.subarray(done * blockBytes, (done + most) * blockBytes);
    using blocks = runtime.result(op, [chunk.length / 2], "f16");
    fill(runtime, op, blocks.address, chunk);
    moveFields(
      runtime,
      op,
      { dtype, planes: target, first: first + done },
      blocks,
      chunk.length / blockBytes,
      true,
    );
  }
}

/** A new tensor of bytes with the blocks of a quantised one. The dtype is f16 because their number is even. */
export function canonicalBlocks(runtime: Runtime, op: string, source: CudaTensor): CudaTensor {
  const dtype = source.dtype as QuantizedDType;
  const bytes = byteLength(dtype, source.shape);
  const blocks = runtime.result(op, [bytes / 2], "f16");
  moveFields(
    runtime,
    op,
    { dtype, planes: source, first: 0 },
    blocks,
    bytes / formats[dtype].blockBytes,
    false,
  );
  return blocks;
}

/** Blocks of a quantised tensor, from block `first` on. */
interface Place {
  readonly dtype: QuantizedDType;
  readonly planes: CudaTensor;
  readonly first: number;
}

/** Copies `count` blocks to their planes, or from them. */
function moveFields(
  runtime: Runtime,
  op: string,
  { dtype, planes, first }: Place,
  blocks: CudaTensor,
  count: number,
  toPlanes: boolean,
): void {
  const { blockElements, blockBytes } = formats[dtype];
  const all = elementCount(planes.shape) / blockElements;
  let before = 0;
  for (const [place, bytes] of quantizedTypes[dtype].fields) {
    const inBlocks = blocks.address + place;
    const inPlane = planes.address + before * all + bytes * first;
    const [blockHalves, halves] = [blockBytes / 2, bytes / 2];
    const ends = toPlanes ? [inBlocks, inPlane] : [inPlane, inBlocks];
    const strides = toPlanes ? [blockHalves, halves] : [halves, blockHalves];
    const grid = Math.ceil((count * halves) / 256);
    runtime.launch(op, "copyField", grid, 256, [...ends, count, halves, ...strides]);
    before += bytes;
  }
}
