import {
  checkSelectiveScanBackward,
  type Grads,
  type Residual,
  type ScanArgs,
  ScanResidual,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import {
  scanChunksShader,
  scanFlowShader,
  scanGateShader,
  scanInputsShader,
  scanSkipShader,
  scanStepsShader,
} from "./scanBackwardShaders.ts";
import { chunksOf } from "../wgsl/scan.ts";
import { scanInputs } from "./selectiveScan.ts";
import { copySlot, fillFirst, packScan } from "./selectiveScanForward.ts";
import { addRows, rowsPerBlock } from "./sumRows.ts";

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
  const states = ScanResidual.states(op, runtime, residual, sizes);
  const upstream = runtime.own(op, "dy", dy);
  const { u, delta, B, C, z } = scanInputs(runtime, op, scan);
  const initial = runtime.ownIf(op, "initialState", scan.initialState);
  const dFinal = runtime.ownIf(op, "dFinalState", dFinalState);
  const { tensor: small, params: options } = packScan(runtime, op, scan);
  const result = (like: Tensor) => runtime.result(op, like.shape);
  const sequences = { u: result(u), delta: result(delta), ...(z && { z: result(z) }) };
  const [dA, dB, dC] = [result(scan.A), result(B), result(C)];
  const D = scan.D && result(scan.D);
  const deltaBias = scan.deltaBias && result(scan.deltaBias);
  const initialState = initial && result(initial);

  const rows = batch * length;
  const count = rows * channels;
  const chunks = chunksOf(length);
  const strips = Math.ceil(channels / 64);
  const params = { ...sizes, ...options, rows, count, chunks, strips };
  const each = Math.ceil(count / 64);
  const steps = runtime.result(op, [3, count]);
  runtime.run(op, scanStepsShader, { u, delta, dy: upstream, z, small, steps }, params, each);

  const flow = runtime.result(op, [chunks + 1, batch, channels, stateSize]);
  fillFirst(runtime, op, flow, dFinal, batch * channels * stateSize * 4);
  const blocks = Math.ceil((channels * stateSize) / 64);
  runtime.run(op, scanFlowShader, { steps, C, small, flow }, { ...params, blocks }, batch * blocks);
  if (initialState) copySlot(runtime, op, flow, chunks, initialState);

  const sumsBC = runtime.result(op, [strips, 2 * rows * stateSize]);
  const sumsA = runtime.result(op, [batch * chunks, channels * stateSize]);
  const sums = { dBC: sumsBC, dA: sumsA };
  const groups = batch * chunks * strips;
  runtime.run(op, scanChunksShader, { B, C, small, states, flow, steps, ...sums }, params, groups);
  addRows(runtime, op, sumsA, batch * chunks, channels * stateSize, dA);
  const dBC = runtime.result(op, [2, rows, stateSize]);
  addRows(runtime, op, sumsBC, strips, 2 * rows * stateSize, dBC);
  copySlot(runtime, op, dBC, 0, dB);
  copySlot(runtime, op, dBC, 1, dC);

  const targets = { du: sequences.u, ddelta: sequences.delta };
  runtime.run(op, scanInputsShader, { u, delta, dy: upstream, z, small, steps, ...targets }, params, each);
  if (sequences.z) {
    runtime.run(op, scanGateShader, { u, dy: upstream, z, small, steps, dz: sequences.z }, params, each);
  }
  if (D) {
    const positions = Math.ceil(rows / rowsPerBlock);
    const sum = runtime.result(op, [positions, channels]);
    runtime.run(op, scanSkipShader, { u, dy: upstream, z, small, sum }, params, positions * strips);
    addRows(runtime, op, sum, positions, channels, D);
    sum.dispose();
  }
  if (deltaBias) addRows(runtime, op, sequences.delta, rows, channels, deltaBias);
  for (const temporary of [small, steps, flow, sumsBC, sumsA, dBC]) temporary.dispose();
  return {
    ...sequences,
    ...{ A: dA, B: dB, C: dC },
    ...(D && { D }),
    ...(deltaBias && { deltaBias }),
    ...(initialState && { initialState }),
  };
}
