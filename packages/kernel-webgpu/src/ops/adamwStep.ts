import { flatChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g², with g = grad * gradScale;
// param -= lr (weightDecay param + m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps))
const adamwStepShader = defineShader({
  name: "adamwStep",
  read: { grad: "f32", gradScale: "f32" },
  write: { param: "f32", m: "f32", v: "f32" },
  params: {
    count: "u32",
    paramScale: "f32",
    rate: "f32",
    unbias: "f32",
    eps: "f32",
    beta1: "f32",
    beta2: "f32",
    rest1: "f32",
    rest2: "f32",
  },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  var scale = 1.0;
  if (p.gradScale_stride != 0u) { scale = gradScale[p.gradScale_at]; }
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let g = grad[p.grad_at + i] * scale;
    let mean = p.beta1 * m[p.m_at + i] + p.rest1 * g;
    let square = p.beta2 * v[p.v_at + i] + p.rest2 * g * g;
    m[p.m_at + i] = mean;
    v[p.v_at + i] = square;
    let at = p.param_at + i;
    param[at] = p.paramScale * param[at] - p.rate * mean / (sqrt(square) * p.unbias + p.eps);
  }
}`,
});

export const adamwStep: Op<"adamwStep"> = (runtime, _, slots, hyper, gradScale) => {
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  // Computed in float64: 1 - 0.999 loses digits in float32.
  const params = {
    paramScale: 1 - lr * weightDecay,
    rate: lr / (1 - beta1 ** step),
    unbias: 1 / Math.sqrt(1 - beta2 ** step),
    eps,
    beta1,
    beta2,
    rest1: 1 - beta1,
    rest2: 1 - beta2,
  };
  for (const { param, grad, m, v } of slots) {
    for (const { start, count } of flatChunks(runtime, param)) {
      const at = (tensor: typeof param) => ({ tensor, start, count });
      const buffers = { grad: at(grad), gradScale, param: at(param), m: at(m), v: at(v) };
      runtime.run("adamwStep", adamwStepShader, buffers, { count, ...params }, Math.ceil(count / 256));
    }
  }
};
