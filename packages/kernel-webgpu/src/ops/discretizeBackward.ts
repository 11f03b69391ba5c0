import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "../shared/addRows.ts";
import { sigmoid, softplus } from "../wgsl/math.ts";
import { highOf } from "./discretize.ts";

// With dw and dl the gradients of weight and logDecay: d(dt) = (dw + dl A) sigmoid(dt + bias), 0 where the weight is clamped.
// `terms` gets dl * weight, whose sum over the rows is dA.
const discretizeBackwardShader = defineShader({
  name: "discretizeBackward",
  read: { dy: "f32", dt: "f32", bias: "f32", A: "f32" },
  write: { ddt: "f32", terms: "f32" },
  params: { count: "u32", heads: "u32", low: "f32", high: "f32" },
  code: /* wgsl */ `
${softplus}
${sigmoid}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.heads;
  let h = i % p.heads;
  var raw = dt[p.dt_at + row * p.dt_stride + h];
  if (p.bias_stride != 0u) { raw += bias[p.bias_at + h]; }
  var weight = softplus(raw);
  var slope = select(sigmoid(raw), raw, isNan(raw));
  if (weight < p.low) { weight = p.low; slope = 0.0; }
  if (p.high >= 0.0 && weight > p.high) { weight = p.high; slope = 0.0; }
  let at = p.dy_at + row * p.dy_stride + h;
  let dl = dy[at + p.heads];
  ddt[i] = (dy[at] + dl * A[p.A_at + h]) * slope;
  terms[i] = dl * weight;
}`,
});

export const discretizeBackward: Op<"discretizeBackward"> = (
  runtime,
  { rows, heads, min, max },
  dy,
  { dt, bias, A },
) => {
  const op = "discretizeBackward";
  const ddt = runtime.result(op, dt.shape);
  const dA = runtime.result(op, A.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const terms = runtime.result(op, [rows, heads]);
  const count = rows * heads;
  const params = { count, heads, low: min, high: highOf(max) };
  runtime.run(op, discretizeBackwardShader, { dy, dt, bias, A, ddt, terms }, params, Math.ceil(count / 64));
  addRows(runtime, op, terms, rows, heads, dA);
  if (dBias) addRows(runtime, op, ddt, rows, heads, dBias);
  terms.dispose();
  return { dt: ddt, A: dA, ...(dBias && { bias: dBias }) };
};
