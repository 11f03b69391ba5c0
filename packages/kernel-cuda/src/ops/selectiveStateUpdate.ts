import type { Op } from "../op.ts";

const block = 64;
/** Channels per block: four threads compute one channel. */
const blockChannels = block / 4;

export const selectiveStateUpdate: Op<"selectiveStateUpdate"> = (runtime, sizes, state, args) => {
  const op = "selectiveStateUpdate";
  const { batch, channels, stateSize } = sizes;
  const { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus } = args;
  const y = runtime.result(op, u.shape);
  const strides = [u, delta, B, C, z].map((x) => x?.rowStride ?? 0);
  const tensors = [u, delta, A, B, C, D, z, deltaBias, state, y];
  const grid = batch * Math.ceil(channels / blockChannels);
  const scalars = [channels, stateSize, ...strides, deltaSoftplus === true];
  runtime.launch(op, op, grid, block, [...tensors, ...scalars]);
  return y;
};
