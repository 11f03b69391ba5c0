import { checkRmsNorm, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function rmsNorm(runtime: Runtime, x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  const { rows, features } = checkRmsNorm(x, weight, eps);
  const op = "rmsNorm";
  runtime.checkOpen(op);
  const [input, gain] = [runtime.own(op, "x", x), runtime.ownIf(op, "weight", weight)];
  const y = runtime.result(op, x.shape);
  // Four numbers for each thread.
  const block = Math.min(32 * Math.ceil(features / 128), 1024);
  runtime.launch(op, "rmsNorm", rows, block, [input, gain, y, features, x.rowStride, eps]);
  return y;
}
