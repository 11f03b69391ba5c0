import type { Op } from "../op.ts";
import { runCarry } from "../scan/runScan.ts";
import { sequenceIndex } from "../sequenceIndex.ts";
import type { CudaTensor } from "../tensor.ts";
import { keptEvery } from "./selectiveScanForward.ts";
import { addRows } from "./sumRows.ts";

/** Channels per block of selectiveScanFlow, one thread each. */
const flowChannels = 64;
/** Channels and threads per block of selectiveScanBackward. */
const backChannels = 32;
const backThreads = 128;
/** Blocks of selectiveScanBackward that keep a large device busy; when there are more, each block takes several chunks. */
const wantedBlocks = 1056;
/** The most chunks per block. More chunks per block make the sums for dA, dD and dDeltaBias cheaper. */
const mostChunks = 16;

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
  const kept = residual.saved;
  const { u, delta, A, B, C, D, z, deltaBias, initialState, deltaSoftplus = false } = scan;
  const index = sequenceIndex(runtime, op, scan.sequenceIds);
  const packed = index ? [index] : [];
  const like = (x: CudaTensor) => runtime.result(op, x.shape);
  const grads = {
    ...{ u: like(u), delta: like(delta), A: like(A), B: like(B), C: like(C) },
    ...(D && { D: like(D) }),
    ...(z && { z: like(z) }),
    ...(deltaBias && { deltaBias: like(deltaBias) }),
    ...(initialState && { initialState: like(initialState) }),
  };

  const chunks = Math.ceil(length / keptEvery);
  const shape = [batch, length, channels, stateSize];
  const flow = runtime.result(op, [chunks, batch, stateSize, channels]);
  const steps = runtime.result(op, [chunks, batch, channels]);
  const flowBlocks = Math.ceil(channels / flowChannels) * chunks * batch;
  const flowStrides = [delta, C, z, dy].map((x) => x?.rowStride ?? 0);
  const flowTensors = [delta, A, C, z, deltaBias, ...packed, dy, flow, steps];
  const flowArgs = [...flowTensors, ...shape, ...flowStrides, deltaSoftplus];
  const flowKernel = index ? "selectiveScanFlowPacked" : "selectiveScanFlow";
  runtime.launch(op, flowKernel, flowBlocks, flowChannels, flowArgs);
  const end = grads.initialState;
  const carried = { A, sums: steps, start: dFinalState, index, slots: flow, end };
  runCarry(runtime, op, carried, sizes, { chunks, chunkLength: keptEvery, backwards: true });

  const tiles = Math.ceil(channels / backChannels);
  const chunksPerBlock = Math.min(
    mostChunks,
    Math.max(1, Math.floor((tiles * chunks * batch) / wantedBlocks)),
  );
  const groups = Math.ceil(chunks / chunksPerBlock);
  const partials = batch * groups;
  const rows = batch * length;
  const sums = {
    A: runtime.result(op, [partials, channels * stateSize]),
    B: runtime.result(op, [tiles, rows * stateSize]),
    C: runtime.result(op, [tiles, rows * stateSize]),
    D: D && runtime.result(op, [partials, channels]),
    deltaBias: deltaBias && runtime.result(op, [partials, channels]),
  };
  const given = [u, delta, A, B, C, D, z, deltaBias, ...packed, dy, kept, flow];
  const targets = [grads.u, grads.delta, grads.z, sums.A, sums.B, sums.C, sums.D, sums.deltaBias];
  const strides = [u, delta, B, C, z, dy].map((x) => x?.rowStride ?? 0);
  const args = [...given, ...targets, ...shape, ...strides, deltaSoftplus, chunksPerBlock];
  runtime.launch(op, index ? "selectiveScanBackwardPacked" : op, tiles * partials, backThreads, args);
  addRows(runtime, op, sums.A, partials, channels * stateSize, grads.A);
  addRows(runtime, op, sums.B, tiles, rows * stateSize, grads.B);
  addRows(runtime, op, sums.C, tiles, rows * stateSize, grads.C);
  if (sums.D && grads.D) addRows(runtime, op, sums.D, partials, channels, grads.D);
  if (sums.deltaBias && grads.deltaBias) {
    addRows(runtime, op, sums.deltaBias, partials, channels, grads.deltaBias);
  }
  for (const temporary of [index, flow, steps, ...Object.values(sums)]) temporary?.dispose();
  return grads;
};
