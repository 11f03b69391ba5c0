import { checkCausalConv1dBackward, type ConvArgs, type Grads, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { addRows } from "./sumRows.ts";

/** Threads of a block, one for each channel. */
const block = 128;
/** Positions of a thread: the W-1 behind them are worked on twice, and each thread leaves W + 1 sums. */
const steps = 64;

export function causalConv1dBackward(
  runtime: Runtime,
  dy: Tensor,
  conv: ConvArgs,
  dFinalState?: Tensor,
): Grads<ConvArgs> {
  const { batch, length, channels, width } = checkCausalConv1dBackward(dy, conv, dFinalState);
  const op = "causalConv1dBackward";
  runtime.checkOpen(op);
  const upstream = runtime.own(op, "dy", dy);
  const x = runtime.own(op, "x", conv.x);
  const weight = runtime.own(op, "weight", conv.weight);
  const bias = runtime.ownIf(op, "bias", conv.bias);
  const initial = runtime.ownIf(op, "initialState", conv.initialState);
  const range = runtime.ownIf(op, "range", conv.range);
  const dFinal = runtime.ownIf(op, "dFinalState", dFinalState);
  const dx = runtime.result(op, x.shape);
  const dWeight = runtime.result(op, weight.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const dInitial = initial && runtime.result(op, initial.shape);

  const given = [upstream, x, weight, bias, initial, range, dFinal];
  const sizes = [length, channels, width, upstream.rowStride, x.rowStride, conv.activation === "silu"];
  const shares = batch * Math.ceil(length / steps);
  const weights = runtime.result(op, [shares, channels * width]);
  const biases = dBias && runtime.result(op, [shares, channels]);
  const blocks = shares * Math.ceil(channels / block);
  const args = [...given, dx, weights, biases, ...sizes, steps];
  runtime.launch(op, "causalConv1dBackward", blocks, block, args);
  addRows(runtime, op, weights, shares, channels * width, dWeight);
  if (biases && dBias) addRows(runtime, op, biases, shares, channels, dBias);
  if (dInitial) {
    const count = batch * channels * (width - 1);
    const stateArgs = [...given, dInitial, batch, ...sizes];
    runtime.launch(op, "causalConv1dBackwardState", Math.ceil(count / block), block, stateArgs);
  }
  weights.dispose();
  biases?.dispose();
  return {
    x: dx,
    weight: dWeight,
    ...(dBias && { bias: dBias }),
    ...(dInitial && { initialState: dInitial }),
  };
}
