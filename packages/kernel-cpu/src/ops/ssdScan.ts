import type { SsdArgs } from "@mamba/kernel";
import type { SsdSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";

export const ssdScan: Op<"ssdScan"> = (runtime, sizes, args, want) => {
  const op = "ssdScan";
  const y = runtime.result(op, args.x.shape);
  const finalState = want?.finalState ? runtime.result(op, ssdStateShape(sizes)) : undefined;
  const record = { ssdInputs: ssdInputs(args, sizes, undefined), y, finalState };
  runtime.run(op, record, ssdNanoseconds(sizes));
  return finalState ? { y, finalState } : { y };
};

export function ssdStateShape({ batch, heads, headDim, stateSize }: SsdSizes): number[] {
  return [batch, heads, headDim, stateSize];
}

/** Estimated time of the scan on one thread. */
export function ssdNanoseconds({ batch, length, heads, headDim, stateSize }: SsdSizes): number {
  return (2 + 0.16 * stateSize) * batch * length * heads * headDim;
}

/** The fields that the records of the scan and of its backward have in common. */
export function ssdInputs(args: Own<SsdArgs>, sizes: SsdSizes, states: CpuTensor | undefined) {
  const { x, B, C, logDecay, weight, D, initialState, sequenceIds } = args;
  return {
    ...{ x, B, C, logDecay, weight, D, initialState, sequenceIds, states },
    ...sizes,
    xStride: x.rowStride,
    bStride: B.rowStride,
    cStride: C.rowStride,
    logDecayStride: logDecay.rowStride,
    weightStride: weight.rowStride,
  };
}
