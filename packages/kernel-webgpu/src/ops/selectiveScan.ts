import { checkSelectiveScan, type ScanArgs, type Tensor } from "@mamba/kernel";
import { pack } from "../pack.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { sigmoid, softplus } from "../wgsl/math.ts";
import { stateOf } from "../wgsl/state.ts";

// dt = softplus(delta + deltaBias), h = exp(dt * A) * h + dt * B * u, y = (C · h + D * u) * silu(z): an invocation walks
// along one channel with its state in registers. `small` holds A, D, deltaBias and the range.
const build = (stateSize: number) =>
  defineShader({
    name: `selectiveScan N${stateSize}`,
    read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", small: "f32" },
    write: { state: "f32", y: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      blocks: "u32",
      skip_at: "u32",
      bias_at: "u32",
      range_at: "u32",
      softplus: "u32",
      initial: "u32",
      final_: "u32",
    },
    code: /* wgsl */ `
${sigmoid}
${softplus}
${stateOf(stateSize)}
fn bound(i: u32, low: u32) -> u32 {
  return u32(clamp(bitcast<i32>(small[p.range_at + i]), i32(low), i32(p.length)));
}
fn run(group: u32, lane: u32) {
  let b = group / p.blocks;
  let d = (group % p.blocks) * workgroupSize + lane;
  if (d >= p.channels) { return; }
  var start = 0u;
  var end = p.length;
  if (p.range_at != nowhere) {
    start = bound(2u * b, 0u);
    end = bound(2u * b + 1u, start);
  }
  var skip = 0.0;
  if (p.skip_at != nowhere) { skip = small[p.skip_at + d]; }
  var bias = 0.0;
  if (p.bias_at != nowhere) { bias = small[p.bias_at + d]; }
  loadA(d * stateSize);
  if (p.initial != 0u) { loadState((b * p.channels + d) * stateSize); }
  for (var l = 0u; l < start; l++) { y[(b * p.length + l) * p.channels + d] = 0.0; }
  for (var l = start; l < end; l++) {
    let row = b * p.length + l;
    let x = u[p.u_at + row * p.u_stride + d];
    var dt = delta[p.delta_at + row * p.delta_stride + d] + bias;
    if (p.softplus != 0u) { dt = softplus(dt); }
    var sum = step(dt, dt * x, p.B_at + row * p.B_stride, p.C_at + row * p.C_stride);
    if (p.skip_at != nowhere) { sum += skip * x; }
    if (p.z_stride != 0u) {
      let gate = z[p.z_at + row * p.z_stride + d];
      sum *= gate * sigmoid(gate);
    }
    y[row * p.channels + d] = sum;
  }
  for (var l = end; l < p.length; l++) { y[(b * p.length + l) * p.channels + d] = 0.0; }
  if (p.final_ != 0u) { storeState((b * p.channels + d) * stateSize); }
}`,
  });

const shaders = new Map<number, ReturnType<typeof build>>();

/** The shader for states of this size, which it holds in registers. */
export function selectiveScanShader(stateSize: number): ReturnType<typeof build> {
  let shader = shaders.get(stateSize);
  if (!shader) shaders.set(stateSize, (shader = build(stateSize)));
  return shader;
}

export function selectiveScan(
  runtime: Runtime,
  scan: ScanArgs,
  want?: { finalState: true },
): { y: Tensor; finalState?: Tensor } {
  const { batch, length, channels, stateSize } = checkSelectiveScan(scan);
  const op = "selectiveScan";
  runtime.checkOpen(op);
  const inputs = scanInputs(runtime, op, scan);
  const initial = runtime.ownIf(op, "initialState", scan.initialState);
  const small = pack(runtime, op, [
    runtime.own(op, "A", scan.A),
    runtime.ownIf(op, "D", scan.D),
    runtime.ownIf(op, "deltaBias", scan.deltaBias),
    runtime.ownIf(op, "range", scan.range),
  ]);
  const [, skip_at, bias_at, range_at] = small.at as [number, number, number, number];
  const y = runtime.result(op, scan.u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, stateSize]) : undefined;
  if (initial && finalState) {
    const { buffer, bytes } = finalState.storage;
    runtime.commands.copy(op, initial.storage.buffer, 0, buffer, 0, bytes);
  }
  const blocks = Math.ceil(channels / 64);
  runtime.run(
    op,
    selectiveScanShader(stateSize),
    { ...inputs, small: small.tensor, state: finalState ?? initial, y },
    {
      length,
      channels,
      blocks,
      skip_at,
      bias_at,
      range_at,
      softplus: scan.deltaSoftplus ? 1 : 0,
      initial: initial ? 1 : 0,
      final_: finalState ? 1 : 0,
    },
    batch * blocks,
  );
  small.tensor.dispose();
  return finalState ? { y, finalState } : { y };
}

/** The arguments that the one-token form has in common and that are too large for a pack. */
export function scanInputs(runtime: Runtime, op: string, scan: ScanArgs) {
  return {
    u: runtime.own(op, "u", scan.u),
    delta: runtime.own(op, "delta", scan.delta),
    B: runtime.own(op, "B", scan.B),
    C: runtime.own(op, "C", scan.C),
    z: runtime.ownIf(op, "z", scan.z),
  };
}
