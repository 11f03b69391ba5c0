import type { ScanArgs } from "@mamba/kernel";
import type { ScanSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { addressOf, type CpuTensor } from "../tensor.ts";

export const selectiveScan: Op<"selectiveScan"> = (runtime, sizes, scan, want) => {
  const op = "selectiveScan";
  writeScan(runtime, scan, sizes);
  const y = runtime.result(op, scan.u.shape);
  const finalState = want?.finalState ? runtime.result(op, stateShape(sizes)) : undefined;
  runScan(runtime, sizes, y, finalState, undefined);
  return finalState ? { y, finalState } : { y };
};

export function stateShape({ batch, channels, stateSize }: ScanSizes): number[] {
  return [batch, channels, stateSize];
}

/** Runs the scan on the record that `writeScan` has begun; keeps the states that the backward needs on request. */
export function runScan(
  runtime: Runtime,
  { batch, length, channels, stateSize }: ScanSizes,
  y: CpuTensor,
  finalState: CpuTensor | undefined,
  states: CpuTensor | undefined,
): void {
  const { args } = runtime;
  args[10] = y.address;
  args[11] = finalState?.address ?? 0;
  args[22] = states?.address ?? 0;
  runtime.run("selectiveScan", (6 + 0.9 * stateSize) * batch * length * channels);
}

/** The part of the record that the scan and its backward have in common. */
export function writeScan(runtime: Runtime, scan: Own<ScanArgs>, sizes: ScanSizes): void {
  const { args } = runtime;
  writeScanInputs(runtime, scan);
  args[8] = addressOf(scan.initialState);
  args[9] = addressOf(scan.range);
  args[12] = sizes.batch;
  args[13] = sizes.length;
  args[14] = sizes.channels;
  args[15] = sizes.stateSize;
}

/** The part of the record that the one-token form has in common, too. */
export function writeScanInputs(runtime: Runtime, scan: Own<ScanArgs>): void {
  const { args } = runtime;
  args[0] = addressOf(scan.u);
  args[1] = addressOf(scan.delta);
  args[2] = addressOf(scan.A);
  args[3] = addressOf(scan.B);
  args[4] = addressOf(scan.C);
  args[5] = addressOf(scan.D);
  args[6] = addressOf(scan.z);
  args[7] = addressOf(scan.deltaBias);
  args[16] = scan.u.rowStride;
  args[17] = scan.delta.rowStride;
  args[18] = scan.B.rowStride;
  args[19] = scan.C.rowStride;
  args[20] = scan.z?.rowStride ?? 0;
  args[21] = scan.deltaSoftplus ? 1 : 0;
}
