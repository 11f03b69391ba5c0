import type { Op } from "../op.ts";

export const ssdStateUpdate: Op<"ssdStateUpdate"> = (runtime, sizes, state, args) => {
  const op = "ssdStateUpdate";
  const { batch, heads, headDim, stateSize } = sizes;
  const { x, B, C, logDecay, weight, D } = args;
  const y = runtime.result(op, x.shape);
  const record = {
    ...{ state, x, B, C, logDecay, weight, D, y },
    ...sizes,
    xStride: x.rowStride,
    bStride: B.rowStride,
    cStride: C.rowStride,
    logDecayStride: logDecay.rowStride,
    weightStride: weight.rowStride,
  };
  runtime.run(op, record, (2 + 0.2 * stateSize) * batch * heads * headDim);
  return y;
};
