import { checkCausalConv1dStep, type ConvStepArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

const block = 64;

export function causalConv1dStep(runtime: Runtime, state: Tensor, conv: ConvStepArgs): Tensor {
  const { batch, channels, width } = checkCausalConv1dStep(state, conv);
  const op = "causalConv1dStep";
  runtime.checkOpen(op);
  const tensors = [
    runtime.own(op, "x", conv.x),
    runtime.own(op, "weight", conv.weight),
    runtime.ownIf(op, "bias", conv.bias),
    runtime.own(op, "state", state),
  ];
  const y = runtime.result(op, conv.x.shape);
  const sizes = [channels, width, conv.x.rowStride, conv.activation === "silu"];
  const grid = batch * Math.ceil(channels / block);
  runtime.launch(op, "causalConv1dStep", grid, block, [...tensors, y, ...sizes]);
  return y;
}
