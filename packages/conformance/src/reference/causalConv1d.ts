import { sigmoid, sliceOf, type Values } from "./math.ts";

/** The arguments of the op as plain numbers, in the shapes of `ConvArgs`. */
export interface ConvValues {
  x: Values;
  weight: Values;
  bias?: Values | undefined;
  activation?: "silu" | undefined;
  initialState?: Values | undefined;
  range?: Values | undefined;
}

/** y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]), and the last W-1 inputs [B, D, W-1] */
export function causalConv1d(
  batch: number,
  length: number,
  channels: number,
  width: number,
  { x, weight, bias, activation, initialState, range }: ConvValues,
): { y: Float64Array; finalState: Float64Array } {
  const past = width - 1;
  const y = new Float64Array(batch * length * channels);
  const finalState = new Float64Array(batch * channels * past);
  for (let b = 0; b < batch; b++) {
    const { start, end } = sliceOf(range, b, length);
    for (let d = 0; d < channels; d++) {
      // Inputs before the slice come from the state: position start - 1 is its newest entry.
      const input = (l: number): number => {
        if (l >= start) return x[(b * length + l) * channels + d]!;
        return initialState?.[(b * channels + d) * past + past + l - start] ?? 0;
      };
      for (let l = start; l < end; l++) {
        let sum = bias?.[d] ?? 0;
        for (let k = 0; k < width; k++) sum += weight[d * width + k]! * input(l - past + k);
        y[(b * length + l) * channels + d] = activation === "silu" ? sum * sigmoid(sum) : sum;
      }
      for (let k = 0; k < past; k++) finalState[(b * channels + d) * past + k] = input(end - past + k);
    }
  }
  return { y, finalState };
}
