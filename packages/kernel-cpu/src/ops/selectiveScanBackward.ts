import type { Tensor } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { PartialSums } from "./partialSums.ts";
import { writeScan } from "./selectiveScan.ts";
import { addressOf } from "../tensor.ts";

/** Channels that go through time together: STRIP of assembly/scan.ts. */
const strip = 32;
/** Units that a scan is split into if it has as many strips: enough for the most threads. */
const wantedUnits = 32;

export const selectiveScanBackward: Op<"selectiveScanBackward"> = (
  runtime,
  sizes,
  dy,
  scan,
  residual,
  dFinalState,
) => {
  const op = "selectiveScanBackward";
  const { batch, length, channels, stateSize } = sizes;
  const { args } = runtime;
  writeScan(runtime, scan, sizes);
  args[22] = residual.states.address;
  args[23] = addressOf(dy);
  args[24] = dy.rowStride;
  args[25] = addressOf(dFinalState);
  const result = (like: Tensor) => runtime.result(op, like.shape);
  const u = result(scan.u);
  const delta = result(scan.delta);
  const A = result(scan.A);
  const B = result(scan.B);
  const C = result(scan.C);
  const D = scan.D && result(scan.D);
  const z = scan.z && result(scan.z);
  const deltaBias = scan.deltaBias && result(scan.deltaBias);
  const initialState = scan.initialState && result(scan.initialState);
  // Each unit has partial sums [L, N] for dB and dC. There are few units, so these take at most 2 · L · N numbers for each
  // of them, whatever the number of channels.
  const strips = Math.ceil(channels / strip);
  const perBlock = Math.ceil(strips / Math.ceil(wantedUnits / batch));
  const blocks = Math.ceil(strips / perBlock);
  const sums = new PartialSums(runtime, op);
  try {
    args[26] = perBlock * strip;
    args[27] = u.address;
    args[28] = delta.address;
    args[29] = sums.add(A, batch);
    args[30] = sums.add(B, blocks);
    args[31] = sums.add(C, blocks);
    args[32] = D ? sums.add(D, batch) : 0;
    args[33] = z?.address ?? 0;
    args[34] = deltaBias ? sums.add(deltaBias, batch) : 0;
    args[35] = initialState?.address ?? 0;
    runtime.run(op, (12 + 2 * stateSize) * batch * length * channels);
    sums.finish();
  } finally {
    sums.free();
  }
  return {
    ...{ u, delta, A, B, C },
    ...(D && { D }),
    ...(z && { z }),
    ...(deltaBias && { deltaBias }),
    ...(initialState && { initialState }),
  };
};
