import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** Threads per block: kIndexBlock of sequenceIndex.cu. */
const block = 256;

/**
 * Records the index of packed sequences, as in sequences.cuh, from their ids i32 [B, L]. The caller disposes it. Undefined
 * without ids.
 */
export function sequenceIndex(
  runtime: Runtime,
  op: string,
  ids: CudaTensor | undefined,
): CudaTensor | undefined {
  if (!ids) return undefined;
  const [batch = 0, length = 0] = ids.shape;
  const index = runtime.result(op, [batch, 2 * length + 1], "i32");
  runtime.launch(op, "sequenceIndex", batch, block, [ids, index, length]);
  return index;
}
