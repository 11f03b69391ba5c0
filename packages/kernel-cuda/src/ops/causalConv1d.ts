import { checkCausalConv1d, type ConvArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

/** Positions that a block takes. */
const steps = 16;

export function causalConv1d(
  runtime: Runtime,
  conv: ConvArgs,
  want?: { finalState: true },
): { y: Tensor; finalState?: Tensor } {
  const { batch, length, channels, width } = checkCausalConv1d(conv);
  const op = "causalConv1d";
  runtime.checkOpen(op);
  const inputs = [
    runtime.own(op, "x", conv.x),
    runtime.own(op, "weight", conv.weight),
    runtime.ownIf(op, "bias", conv.bias),
    runtime.ownIf(op, "initialState", conv.initialState),
    runtime.ownIf(op, "range", conv.range),
  ];
  const y = runtime.result(op, conv.x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  const block = Math.min(32 * Math.ceil(channels / 32), 256);
  const strips = Math.ceil(length / steps) + (finalState ? 1 : 0);
  const grid = Math.ceil(channels / block) * strips * batch;
  const sizes = [length, channels, width, conv.x.rowStride, conv.activation === "silu"];
  runtime.launch(op, "causalConv1d", grid, block, [...inputs, y, finalState, ...sizes]);
  return finalState ? { y, finalState } : { y };
}
