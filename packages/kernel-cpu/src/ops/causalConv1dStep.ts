import { checkCausalConv1dStep, type ConvStepArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function causalConv1dStep(runtime: Runtime, state: Tensor, conv: ConvStepArgs): Tensor {
  const { batch, channels, width } = checkCausalConv1dStep(state, conv);
  const op = "causalConv1dStep";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "x", conv.x);
  args[1] = runtime.at(op, "weight", conv.weight);
  args[2] = runtime.at(op, "bias", conv.bias);
  args[3] = runtime.at(op, "state", state);
  args[4] = 0;
  const y = runtime.result(op, conv.x.shape);
  args[5] = y.address;
  args[6] = args[3];
  args[7] = batch;
  args[8] = 1;
  args[9] = channels;
  args[10] = width;
  args[11] = conv.x.rowStride;
  args[12] = conv.activation === "silu" ? 1 : 0;
  runtime.run(op, (2 + 1.5 * width) * batch * channels);
  return y;
}
