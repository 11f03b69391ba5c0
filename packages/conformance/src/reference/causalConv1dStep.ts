import { causalConv1d, type ConvValues } from "./causalConv1d.ts";
import type { Values } from "./math.ts";

/** One token, x [B, D]: the convolution over a sequence of length 1, with the state before and after it. */
export function causalConv1dStep(
  batch: number,
  channels: number,
  width: number,
  state: Values,
  args: Omit<ConvValues, "initialState" | "range">,
): { y: Float64Array; state: Float64Array } {
  const { y, finalState } = causalConv1d(batch, 1, channels, width, { ...args, initialState: state });
  return { y, state: finalState };
}
