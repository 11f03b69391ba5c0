import type { AttentionArgs } from "@mamba/kernel";
import { AttentionResidual, type AttentionSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export const attention: Op<"attention"> = (runtime, sizes, args) =>
  attend(runtime, "attention", args, sizes, undefined);

export const attentionForward: Op<"attentionForward"> = (runtime, sizes, args) => {
  const { batch, length, heads } = sizes;
  const op = "attentionForward";
  const logSums = runtime.result(op, [batch, length, heads]);
  return { y: attend(runtime, op, args, sizes, logSums), residual: new AttentionResidual(logSums, sizes) };
};

function attend(
  runtime: Runtime,
  op: string,
  args: Own<AttentionArgs>,
  sizes: AttentionSizes,
  logSums: CpuTensor | undefined,
): CpuTensor {
  const { batch, length, heads, valueDim } = sizes;
  const y = runtime.result(op, [batch, length, heads * valueDim]);
  const record = { attentionArgs: attentionArgs(args, sizes), y, logSums, sums: undefined, chunks: 0 };
  runtime.run("attention", record, attentionNanoseconds(sizes, length / 2));
  return y;
}

/** Estimated time on one thread, for queries that see `keys` keys on average: 16 floating-point operations per nanosecond. */
export function attentionNanoseconds(
  { batch, length, heads, keyDim, valueDim }: AttentionSizes,
  keys: number,
): number {
  return (batch * length * heads * keys * (keyDim + valueDim + 4)) / 8;
}

/** The fields that the records of attention and of its backward have in common. */
export function attentionArgs(args: Own<AttentionArgs>, sizes: AttentionSizes) {
  const { q, k, v, scale, sequenceIds } = args;
  const { batch, length, heads, kvHeads, keyDim, valueDim } = sizes;
  return {
    ...{ q, k, v, batch, length, heads, kvHeads, keyDim, valueDim, scale },
    ids: sequenceIds,
    starts: undefined as CpuTensor | undefined,
    positions: length,
    qStride: q.rowStride,
    kStride: k.rowStride,
    vStride: v.rowStride,
  };
}
