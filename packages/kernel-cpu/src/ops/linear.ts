import { byteLength, checkLinear, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function linear(runtime: Runtime, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinear(x, weight, bias);
  runtime.checkOpen("linear");
  const { args } = runtime;
  args[0] = runtime.at("linear", "x", x);
  args[1] = runtime.at("linear", "weight", weight);
  args[2] = runtime.at("linear", "bias", bias);
  const y = runtime.result("linear", shape);
  args[3] = y.address;
  args[4] = rows;
  args[5] = inFeatures;
  args[6] = outFeatures;
  args[7] = x.rowStride;
  args[8] = runtime.storageType(weight);
  // The larger of 16 bytes and 36 floating-point operations a nanosecond.
  const weights = inFeatures * outFeatures;
  runtime.run("linear", Math.max(byteLength(weight.dtype, weight.shape) / 16, (rows * weights) / 18));
  return y;
}
