import type { ConvValues } from "./causalConv1d.ts";
import { siluSlope, sliceOf, type Values } from "./math.ts";

/** The gradients of all arguments of `causalConv1d`, of those that were not given too. */
export interface ConvGradients {
  x: Float64Array;
  weight: Float64Array;
  bias: Float64Array;
  initialState: Float64Array;
}

/**
 * With s the sum before the activation and ds = dy * act'(s):
 * dbias = sum ds, dweight[d,k] = sum ds[l] * x[l-(W-1)+k], dx[l-(W-1)+k] = sum ds[l] * weight[d,k]. What falls before the
 * slice belongs to `initialState`; `dFinalState` goes to the last W-1 inputs.
 */
export function causalConv1dBackward(
  batch: number,
  length: number,
  channels: number,
  width: number,
  dy: Values,
  { x, weight, bias, activation, initialState, range }: ConvValues,
  dFinalState?: Values,
): ConvGradients {
  const past = width - 1;
  const grads = {
    x: new Float64Array(batch * length * channels),
    weight: new Float64Array(channels * width),
    bias: new Float64Array(channels),
    initialState: new Float64Array(batch * channels * past),
  };
  for (let b = 0; b < batch; b++) {
    const { start, end } = sliceOf(range, b, length);
    for (let d = 0; d < channels; d++) {
      const at = (l: number): number => (b * length + l) * channels + d;
      const stateAt = (l: number): number => (b * channels + d) * past + past + l - start;
      const input = (l: number): number => (l >= start ? x[at(l)]! : (initialState?.[stateAt(l)] ?? 0));
      const give = (l: number, gradient: number): void => {
        if (l >= start) grads.x[at(l)]! += gradient;
        else grads.initialState[stateAt(l)]! += gradient;
      };
      for (let l = start; l < end; l++) {
        let sum = bias?.[d] ?? 0;
        for (let k = 0; k < width; k++) sum += weight[d * width + k]! * input(l - past + k);
        const ds = dy[at(l)]! * (activation === "silu" ? siluSlope(sum) : 1);
        grads.bias[d]! += ds;
        for (let k = 0; k < width; k++) {
          grads.weight[d * width + k]! += ds * input(l - past + k);
          give(l - past + k, ds * weight[d * width + k]!);
        }
      }
      if (dFinalState === undefined) continue;
      for (let k = 0; k < past; k++) give(end - past + k, dFinalState[(b * channels + d) * past + k]!);
    }
  }
  return grads;
}
