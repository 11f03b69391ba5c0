import type { AdamWParams } from "@mamba/kernel";
import type { Values } from "./math.ts";

/**
 * m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g², with g = grad * gradScale;
 * param -= lr (weightDecay param + m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps))
 */
export function adamwStep(
  param: Values,
  grad: Values,
  m: Values,
  v: Values,
  hyper: AdamWParams,
  gradScale = 1,
): { param: Float64Array; m: Float64Array; v: Float64Array } {
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  const after = { param: Float64Array.from(param), m: Float64Array.from(m), v: Float64Array.from(v) };
  for (let i = 0; i < param.length; i++) {
    const g = grad[i]! * gradScale;
    const mean = beta1 * m[i]! + (1 - beta1) * g;
    const square = beta2 * v[i]! + (1 - beta2) * g * g;
    const direction = mean / (1 - beta1 ** step) / (Math.sqrt(square / (1 - beta2 ** step)) + eps);
    after.m[i] = mean;
    after.v[i] = square;
    after.param[i] = param[i]! - lr * (weightDecay * param[i]! + direction);
  }
  return after;
}
