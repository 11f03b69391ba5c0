import {
  checkSelectiveScanBackward,
  type Grads,
  type Residual,
  type ScanArgs,
  ScanResidual,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { runCarry, scanInputs } from "./selectiveScan.ts";
import { keptEvery } from "./selectiveScanForward.ts";
import { addRows } from "./sumRows.ts";

/** Channels of a block of selectiveScanFlow, which are its threads. */
const flowChannels = 64;
/** Channels and threads of a block of selectiveScanBackward. */
const backChannels = 32;
const backThreads = 128;
/** Blocks of the latter that keep a large device busy for a while; with more, each takes several chunks. */
const wantedBlocks = 1056;
/** The most chunks for a block: its sums for dA, dD and dDeltaBias cost less the more there are. */
const mostChunks = 16;

export function selectiveScanBackward(
  runtime: Runtime,
  dy: Tensor,
  scan: ScanArgs,
  residual: Residual,
  dFinalState?: Tensor,
): Grads<ScanArgs> {
  const sizes = checkSelectiveScanBackward(dy, scan, dFinalState);
  const op = "selectiveScanBackward";
  runtime.checkOpen(op);
  const { batch, length, channels, stateSize } = sizes;
  const kept = ScanResidual.states(op, runtime, residual, sizes);
  const upstream = runtime.own(op, "dy", dy);
  const dFinal = runtime.ownIf(op, "dFinalState", dFinalState);
  const inputs = scanInputs(runtime, op, scan);
  const { u, delta, A, B, C, D, z, deltaBias, initialState, range, softplus } = inputs;
  const like = (x: Tensor) => runtime.result(op, x.shape);
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
  const flowStrides = [delta, C, z, upstream].map((x) => x?.rowStride ?? 0);
  const flowTensors = [delta, A, C, z, deltaBias, range, upstream, flow, steps];
  const flowArgs = [...flowTensors, ...shape, ...flowStrides, softplus];
  runtime.launch(op, "selectiveScanFlow", flowBlocks, flowChannels, flowArgs);
  const end = grads.initialState;
  runCarry(runtime, op, { A, sums: steps, start: dFinal, slots: flow, end }, sizes, chunks, true);

  const tiles = Math.ceil(channels / backChannels);
  const span = Math.min(mostChunks, Math.max(1, Math.floor((tiles * chunks * batch) / wantedBlocks)));
  const groups = Math.ceil(chunks / span);
  const shares = batch * groups;
  const rows = batch * length;
  const sums = {
    A: runtime.result(op, [shares, channels * stateSize]),
    B: runtime.result(op, [tiles, rows * stateSize]),
    C: runtime.result(op, [tiles, rows * stateSize]),
    D: D && runtime.result(op, [shares, channels]),
    deltaBias: deltaBias && runtime.result(op, [shares, channels]),
  };
  const given = [u, delta, A, B, C, D, z, deltaBias, range, upstream, kept, flow];
  const targets = [grads.u, grads.delta, grads.z, sums.A, sums.B, sums.C, sums.D, sums.deltaBias];
  const strides = [u, delta, B, C, z, upstream].map((x) => x?.rowStride ?? 0);
  const args = [...given, ...targets, ...shape, ...strides, softplus, span];
  runtime.launch(op, "selectiveScanBackward", tiles * shares, backThreads, args);
  addRows(runtime, op, sums.A, shares, channels * stateSize, grads.A);
  addRows(runtime, op, sums.B, tiles, rows * stateSize, grads.B);
  addRows(runtime, op, sums.C, tiles, rows * stateSize, grads.C);
  if (sums.D && grads.D) addRows(runtime, op, sums.D, shares, channels, grads.D);
  if (sums.deltaBias && grads.deltaBias) {
    addRows(runtime, op, sums.deltaBias, shares, channels, grads.deltaBias);
  }
  for (const temporary of [flow, steps, ...Object.values(sums)]) temporary?.dispose();
  return grads;
}
