import {
  checkSelectiveScanForward,
  type Residual,
  type ScanArgs,
  ScanResidual,
  type Tensor,
} from "@mamba/kernel";
import { pack } from "../pack.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { sigmoid } from "../wgsl/math.ts";
import { lazily } from "../wgsl/product.ts";
import { chunkLength, chunksOf, sliceOf, stepOf } from "../wgsl/scan.ts";
import { stateOf } from "../wgsl/state.ts";
import { scanInputs } from "./selectiveScan.ts";

// The formula of selectiveScan, an invocation for each channel, which also stores its state before each chunk, and the final
// one in the last slot. The first slot holds the initial state.
const selectiveScanForwardShader = lazily((stateSize: number) =>
  defineShader({
    name: `selectiveScanForward N${stateSize}`,
    read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", small: "f32" },
    write: { state: "f32", y: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      chunks: "u32",
      blocks: "u32",
      skip_at: "u32",
      bias_at: "u32",
      range_at: "u32",
      softplus: "u32",
    },
    code: /* wgsl */ `
${sigmoid}
${stateOf(stateSize)}
${sliceOf}
${stepOf}
fn run(group: u32, lane: u32) {
  let b = group / p.blocks;
  let d = (group % p.blocks) * workgroupSize + lane;
  if (d >= p.channels) { return; }
  let slice = sliceOf(b);
  let own = (b * p.channels + d) * stateSize;
  let slot = p.batch * p.channels * stateSize;
  var skip = 0.0;
  if (p.skip_at != absent) { skip = small[p.skip_at + d]; }
  loadA(d * stateSize);
  loadState(own);
  for (var l = 0u; l < p.length; l++) {
    let row = b * p.length + l;
    if (l < slice.x || l >= slice.y) { y[row * p.channels + d] = 0.0; continue; }
    if (l % ${chunkLength}u == 0u && l > slice.x) { storeState(l / ${chunkLength}u * slot + own); }
    let x = u[p.u_at + row * p.u_stride + d];
    let dt = stepOf(rawStep(row, d));
    var sum = step(dt, dt * x, p.B_at + row * p.B_stride, p.C_at + row * p.C_stride);
    if (p.skip_at != absent) { sum += skip * x; }
    if (p.z_stride != 0u) {
      let gate = z[p.z_at + row * p.z_stride + d];
      sum *= gate * sigmoid(gate);
    }
    y[row * p.channels + d] = sum;
  }
  storeState(p.chunks * slot + own);
}`,
  }),
);

export function selectiveScanForward(
  runtime: Runtime,
  scan: ScanArgs,
): { y: Tensor; finalState: Tensor; residual: Residual } {
  const sizes = checkSelectiveScanForward(scan);
  const { batch, length, channels, stateSize } = sizes;
  const op = "selectiveScanForward";
  runtime.checkOpen(op);
  const inputs = scanInputs(runtime, op, scan);
  const initial = runtime.ownIf(op, "initialState", scan.initialState);
  const { tensor: small, params } = packScan(runtime, op, scan);
  const y = runtime.result(op, scan.u.shape);
  const finalState = runtime.result(op, [batch, channels, stateSize]);
  const chunks = chunksOf(length);
  // The states before each chunk and the final one; those of chunks that begin in padding are not there: before the range it
  // is the initial state.
  const state = runtime.result(op, [chunks + 1, batch, channels, stateSize]);
  fillFirst(runtime, op, state, initial, finalState.storage.bytes);
  const blocks = Math.ceil(channels / 64);
  runtime.run(
    op,
    selectiveScanForwardShader(stateSize),
    { ...inputs, small, state, y },
    { batch, length, channels, chunks, blocks, ...params },
    batch * blocks,
  );
  small.dispose();
  copySlot(runtime, op, state, chunks, finalState);
  return { y, finalState, residual: new ScanResidual(state, sizes) };
}

/** A, D, deltaBias and range in one buffer, and where each is. The caller disposes the tensor. */
export function packScan(runtime: Runtime, op: string, scan: ScanArgs) {
  const { tensor, at } = pack(runtime, op, [
    runtime.own(op, "A", scan.A),
    runtime.ownIf(op, "D", scan.D),
    runtime.ownIf(op, "deltaBias", scan.deltaBias),
    runtime.ownIf(op, "range", scan.range),
  ]);
  const [, skip_at, bias_at, range_at] = at as [number, number, number, number];
  return { tensor, params: { skip_at, bias_at, range_at, softplus: scan.deltaSoftplus ? 1 : 0 } };
}

/** Puts `state`, or zeros, into the first slot. */
export function fillFirst(
  runtime: Runtime,
  op: string,
  slots: WebGpuTensor,
  state: WebGpuTensor | undefined,
  bytes: number,
): void {
  const { buffer } = slots.storage;
  if (state) runtime.commands.copy(op, state.storage.buffer, 0, buffer, 0, bytes);
  else runtime.commands.clear(op, buffer, bytes);
  runtime.commands.write(slots.storage);
}

/** Copies piece `index` of equal ones of `source` over all of `target`. */
export function copySlot(
  runtime: Runtime,
  op: string,
  source: WebGpuTensor,
  index: number,
  target: WebGpuTensor,
): void {
  const { buffer, bytes } = target.storage;
  runtime.commands.copy(op, source.storage.buffer, index * bytes, buffer, 0, bytes);
  runtime.commands.write(target.storage);
}
