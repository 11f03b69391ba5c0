import { absentOffset } from "../memory/packs.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { sigmoid, softplus } from "../wgsl/math.ts";

// selectiveScan for one token, one invocation per channel. `packed` holds A, D and deltaBias, and is cached between tokens:
//   dt = softplus(delta + deltaBias), h = exp(dt * A) * h + dt * B * u, y = (C · h + D * u) * silu(z)
export const selectiveStateUpdateShader = defineShader({
  name: "selectiveStateUpdate",
  read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", packed: "f32" },
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
  if (p.biased != 0u) { dt += packed[p.bias_at + d]; }
  if (p.softplus != 0u) { dt = softplus(dt); }
  let input = dt * x;
  var sum = 0.0;
  for (var n = 0u; n < p.stateSize; n++) {
    let at = p.state_at + i * p.stateSize + n;
    let h = exp(dt * packed[d * p.stateSize + n]) * state[at] + input * B[p.B_at + b * p.B_stride + n];
    state[at] = h;
    sum += C[p.C_at + b * p.C_stride + n] * h;
  }
  if (p.skips != 0u) { sum += packed[p.skip_at + d] * x; }
  if (p.z_stride != 0u) {
    let gate = z[p.z_at + b * p.z_stride + d];
    sum *= gate * sigmoid(gate);
  }
  y[i] = sum;
}`,
});

export const selectiveStateUpdate: Op<"selectiveStateUpdate"> = (
  runtime,
  { batch, channels, stateSize },
  state,
  { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus },
) => {
  const op = "selectiveStateUpdate";
  const packed = runtime.packs.get(op, [A, D, deltaBias], state);
  const [, skip_at = absentOffset, bias_at = absentOffset] = packed.at;
  const y = runtime.result(op, u.shape);
  const count = batch * channels;
  runtime.run(
    op,
    selectiveStateUpdateShader,
    { u, delta, B, C, z, packed: packed.tensor, state, y },
    {
      count,
      channels,
      stateSize,
      skip_at,
      bias_at,
      softplus: deltaSoftplus ? 1 : 0,
      skips: D ? 1 : 0,
      biased: deltaBias ? 1 : 0,
    },
    Math.ceil(count / 64),
  );
  return y;
};
