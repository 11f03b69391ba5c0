import { SCAN_CHANNELS } from "../generated/records.ts";
import type { Op } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";
import { PartialSums } from "./partialSums.ts";
import { scanInputs } from "./selectiveScan.ts";

/** Units that a scan is divided into when it has enough channels: sufficient for the largest number of threads. */
const wantedUnits = 32;

export const selectiveScanBackward: Op<"selectiveScanBackward"> = (
  runtime,
  sizes,
  dy,
  args,
  residual,
  dFinalState,
) => {
  const op = "selectiveScanBackward";
  const { batch, length, channels, stateSize } = sizes;
  const result = (like: CpuTensor) => runtime.result(op, like.shape);
  const u = result(args.u);
  const delta = result(args.delta);
  const A = result(args.A);
  const B = result(args.B);
  const C = result(args.C);
  const D = args.D && result(args.D);
  const z = args.z && result(args.z);
  const deltaBias = args.deltaBias && result(args.deltaBias);
  const initialState = args.initialState && result(args.initialState);
  // A unit is a group of channel chunks, and has partial sums [L, N] for dB and dC. There are few units, so that these take
  // at most 2 · L · N numbers for each of them, whatever the number of channels.
  const chunks = Math.ceil(channels / SCAN_CHANNELS);
  const chunksPerGroup = Math.ceil(chunks / Math.ceil(wantedUnits / batch));
  const groups = Math.ceil(chunks / chunksPerGroup);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      scanInputs: scanInputs(args, sizes, residual.saved),
      dy,
      dyStride: dy.rowStride,
      dFinalState,
      unitChannels: chunksPerGroup * SCAN_CHANNELS,
      du: u,
      dDelta: delta,
      dA: sums.add(A, batch),
      dB: sums.add(B, groups),
      dC: sums.add(C, groups),
      dD: D && sums.add(D, batch),
      dz: z,
      dDeltaBias: deltaBias && sums.add(deltaBias, batch),
      dInitialState: initialState,
    };
    runtime.run(op, record, (12 + 2 * stateSize) * batch * length * channels);
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
