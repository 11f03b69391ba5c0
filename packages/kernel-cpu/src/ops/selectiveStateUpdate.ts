import type { Op } from "../op.ts";

export const selectiveStateUpdate: Op<"selectiveStateUpdate"> = (runtime, sizes, state, args) => {
  const op = "selectiveStateUpdate";
  const { batch, channels, stateSize } = sizes;
  const { u, delta, A, B, C, D, z, deltaBias } = args;
  const y = runtime.result(op, u.shape);
  runtime.run(
    op,
    {
      state,
      u,
      delta,
      A,
      B,
      C,
      D,
      z,
      deltaBias,
      y,
      batch,
      channels,
      stateSize,
      uStride: u.rowStride,
      deltaStride: delta.rowStride,
      bStride: B.rowStride,
      cStride: C.rowStride,
      zStride: z?.rowStride ?? 0,
      deltaSoftplus: args.deltaSoftplus === true,
    },
    (8 + stateSize) * batch * channels,
  );
  return y;
};
