import type { ScanArgs } from "@mamba/kernel";
import type { ScanSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";

export const selectiveScan: Op<"selectiveScan"> = (runtime, sizes, args, want) => {
  const op = "selectiveScan";
  const y = runtime.result(op, args.u.shape);
  const finalState = want?.finalState ? runtime.result(op, stateShape(sizes)) : undefined;
  const record = { scanInputs: scanInputs(args, sizes, undefined), y, finalState };
  runtime.run(op, record, scanNanoseconds(sizes));
  return finalState ? { y, finalState } : { y };
};

export function stateShape({ batch, channels, stateSize }: ScanSizes): number[] {
  return [batch, channels, stateSize];
}

/** Estimated time of the scan on one thread. */
export function scanNanoseconds({ batch, length, channels, stateSize }: ScanSizes): number {
  return (6 + 0.9 * stateSize) * batch * length * channels;
}

/** The fields that the records of the scan and of its backward have in common. */
export function scanInputs(
  args: Own<ScanArgs>,
  { batch, length, channels, stateSize }: ScanSizes,
  states: CpuTensor | undefined,
) {
  const { u, delta, A, B, C, D, z, deltaBias, initialState, sequenceIds } = args;
  return {
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    deltaBias,
    initialState,
    sequenceIds,
    states,
    batch,
    length,
    channels,
    stateSize,
    uStride: u.rowStride,
    deltaStride: delta.rowStride,
    bStride: B.rowStride,
    cStride: C.rowStride,
    zStride: z?.rowStride ?? 0,
    deltaSoftplus: args.deltaSoftplus === true,
  };
}
