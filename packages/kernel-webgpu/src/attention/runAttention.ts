import type { AttentionSizes } from "@mamba/kernel/author";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { attentionRowsShader, attentionSplitsShader, attentionTilesShader } from "./forwardShaders.ts";

/** Keys of a split, at least: few enough that a long cache keeps a GPU busy, and many enough that combining them is cheap. */
const minSplitKeys = 256;
const maxSplits = 64;

export interface AttentionInputs {
  readonly q: WebGpuTensor;
  /** [B, capacity, Hkv·Dk] */
  readonly k: WebGpuTensor;
  readonly v: WebGpuTensor;
  readonly scale: number;
  readonly sequenceIds?: WebGpuTensor | undefined;
  /** Keys before the first query of each row. Default: none. */
  readonly lengths?: WebGpuTensor | undefined;
}

/** The parameters that all shaders of attention have. */
export function attentionParamsOf(sizes: AttentionSizes & { readonly capacity?: number }, scale: number) {
  const { batch, length, heads, kvHeads, keyDim, valueDim, capacity = length } = sizes;
  return { batch, length, capacity, kvHeads, rep: heads / kvHeads, keyDim, valueDim, scale };
}

/** Computes y and, where it is given, the logarithms of the sums of exponentials. */
export function runAttention(
  runtime: Runtime,
  op: string,
  sizes: AttentionSizes & { readonly capacity?: number },
  { q, k, v, scale, sequenceIds: ids, lengths }: AttentionInputs,
  { y, logSums }: { readonly y: WebGpuTensor; readonly logSums?: WebGpuTensor },
): void {
  const { batch, length, heads, kvHeads, valueDim } = sizes;
  const { parallel, batchInvariant } = runtime.traits;
  const params = attentionParamsOf(sizes, scale);
  const inputs = { q, k, v, ids, lengths };
  if (!parallel) {
    const count = batch * length * heads;
    runtime.run(
      op,
      attentionRowsShader,
      { ...inputs, y, logSums },
      { ...params, count },
      Math.ceil(count / 64),
    );
    return;
  }
  const rowTiles = Math.ceil((length * params.rep) / 64);
  const valueTiles = Math.ceil(valueDim / 64);
  // A few new positions: the keys are divided among workgroups. The bits of a row would depend on the number of positions.
  const isShort = rowTiles === 1 && lengths !== undefined && !batchInvariant;
  const splitKeys = Math.max(minSplitKeys, Math.ceil(params.capacity / maxSplits / 64) * 64);
  const splits = isShort ? Math.ceil(params.capacity / splitKeys) : 1;
  const tiles = {
    ...params,
    rowTiles,
    valueTiles,
    splits,
    splitKeys: splits === 1 ? params.capacity : splitKeys,
  };
  const groups = batch * kvHeads * rowTiles * splits * valueTiles;
  if (splits === 1) {
    runtime.run(op, attentionTilesShader, { ...inputs, y, logSums }, tiles, groups);
    return;
  }
  const rows = batch * length * heads;
  const parts = runtime.result(op, [splits, rows, valueDim]);
  const sums = runtime.result(op, [splits, rows, 2]);
  runtime.run(op, attentionTilesShader, { ...inputs, y: parts, logSums: sums }, tiles, groups);
  const count = rows * valueDim;
  runtime.run(
    op,
    attentionSplitsShader,
    { parts, sums, y },
    { count, valueDim, splits },
    Math.ceil(count / 64),
  );
  parts.dispose();
  sums.dispose();
}
