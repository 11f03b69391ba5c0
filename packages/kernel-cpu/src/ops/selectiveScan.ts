import { checkSelectiveScan, type ScanArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function selectiveScan(
  runtime: Runtime,
  scan: ScanArgs,
  want?: { finalState: true },
): { y: Tensor; finalState?: Tensor } {
  const { batch, length, channels, stateSize } = checkSelectiveScan(scan);
  const op = "selectiveScan";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[8] = runtime.at(op, "initialState", scan.initialState);
  args[9] = runtime.at(op, "range", scan.range);
  writeScanInputs(runtime, op, scan);
  const y = runtime.result(op, scan.u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, stateSize]) : undefined;
  args[10] = y.address;
  args[11] = finalState?.address ?? 0;
  args[12] = batch;
  args[13] = length;
  args[14] = channels;
  args[15] = stateSize;
  runtime.run(op, (6 + 0.9 * stateSize) * batch * length * channels);
  return finalState ? { y, finalState } : { y };
}

/** The part of the record that the one-token form has in common. */
export function writeScanInputs(runtime: Runtime, op: string, scan: ScanArgs): void {
  const { args } = runtime;
  args[0] = runtime.at(op, "u", scan.u);
  args[1] = runtime.at(op, "delta", scan.delta);
  args[2] = runtime.at(op, "A", scan.A);
  args[3] = runtime.at(op, "B", scan.B);
  args[4] = runtime.at(op, "C", scan.C);
  args[5] = runtime.at(op, "D", scan.D);
  args[6] = runtime.at(op, "z", scan.z);
  args[7] = runtime.at(op, "deltaBias", scan.deltaBias);
  args[16] = scan.u.rowStride;
  args[17] = scan.delta.rowStride;
  args[18] = scan.B.rowStride;
  args[19] = scan.C.rowStride;
  args[20] = scan.z?.rowStride ?? 0;
  args[21] = scan.deltaSoftplus ? 1 : 0;
}
