import { checkRmsNorm, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function rmsNorm(runtime: Runtime, x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  const { rows, features } = checkRmsNorm(x, weight, eps);
  runtime.checkOpen("rmsNorm");
  const { args } = runtime;
  args[0] = runtime.at("rmsNorm", "x", x);
  args[1] = runtime.at("rmsNorm", "weight", weight);
  const y = runtime.result("rmsNorm", x.shape);
  args[2] = y.address;
  args[3] = rows;
  args[4] = features;
  args[5] = x.rowStride;
  runtime.floatArgs[6] = eps;
  runtime.run("rmsNorm", 0.6 * rows * features);
  return y;
}
