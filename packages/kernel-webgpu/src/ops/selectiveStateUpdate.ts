import { checkSelectiveStateUpdate, type StateUpdateArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { sigmoid, softplus } from "../wgsl/math.ts";
import { scanInputs } from "./scanChannels.ts";

// One step of the scan, an invocation for each channel. `small` holds A, D and deltaBias; it is kept between tokens.
export const selectiveStateUpdateShader = defineShader({
  name: "selectiveStateUpdate",
  read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", small: "f32" },
  write: { state: "f32", y: "f32" },
  params: {
    count: "u32",
    channels: "u32",
    stateSize: "u32",
    skip_at: "u32",
    bias_at: "u32",
    softplus: "u32",
    skips: "u32",
    biased: "u32",
  },
  code: /* wgsl */ `
${sigmoid}
${softplus}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let b = i / p.channels;
  let d = i % p.channels;
  let x = u[p.u_at + b * p.u_stride + d];
  var dt = delta[p.delta_at + b * p.delta_stride + d];
  if (p.biased != 0u) { dt += small[p.bias_at + d]; }
  if (p.softplus != 0u) { dt = softplus(dt); }
  let input = dt * x;
  var sum = 0.0;
  for (var n = 0u; n < p.stateSize; n++) {
    let at = i * p.stateSize + n;
    let h = exp(dt * small[d * p.stateSize + n]) * state[at] + input * B[p.B_at + b * p.B_stride + n];
    state[at] = h;
    sum += C[p.C_at + b * p.C_stride + n] * h;
  }
  if (p.skips != 0u) { sum += small[p.skip_at + d] * x; }
  if (p.z_stride != 0u) {
    let gate = z[p.z_at + b * p.z_stride + d];
    sum *= gate * sigmoid(gate);
  }
  y[i] = sum;
}`,
});

export function selectiveStateUpdate(runtime: Runtime, state: Tensor, args: StateUpdateArgs): Tensor {
  const { batch, channels, stateSize } = checkSelectiveStateUpdate(state, args);
  const op = "selectiveStateUpdate";
  runtime.checkOpen(op);
  const inputs = scanInputs(runtime, op, args);
  const held = runtime.own(op, "state", state);
  const small = runtime.packs.get(op, runtime.own(op, "A", args.A), [
    runtime.ownIf(op, "D", args.D),
    runtime.ownIf(op, "deltaBias", args.deltaBias),
  ]);
  const [, skip_at, bias_at] = small.at as [number, number, number];
  const y = runtime.result(op, args.u.shape);
  const count = batch * channels;
  runtime.run(
    op,
    selectiveStateUpdateShader,
    { ...inputs, small: small.tensor, state: held, y },
    {
      count,
      channels,
      stateSize,
      skip_at,
      bias_at,
      softplus: args.deltaSoftplus ? 1 : 0,
      skips: args.D ? 1 : 0,
      biased: args.deltaBias ? 1 : 0,
    },
    Math.ceil(count / 64),
  );
  return y;
}
