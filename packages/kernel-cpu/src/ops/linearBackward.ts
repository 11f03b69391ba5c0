import { checkLinearBackwardInput, checkLinearBackwardWeight, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

/** dx = dy · weight */
export function linearBackwardInput(runtime: Runtime, dy: Tensor, weight: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinearBackwardInput(dy, weight);
  const op = "linearBackwardInput";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "dy", dy);
  args[1] = runtime.at(op, "weight", weight);
  const dx = runtime.result(op, shape);
  args[2] = dx.address;
  args[3] = rows;
  args[4] = inFeatures;
  args[5] = outFeatures;
  args[6] = dy.rowStride;
  args[7] = 0;
  args[8] = inFeatures;
  args[9] = runtime.storageType(weight);
  multiply(runtime, rows * inFeatures * outFeatures);
  return dx;
}

/** dWeight = dyᵀ · x */
export function linearBackwardWeight(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  const { rows, inFeatures, outFeatures } = checkLinearBackwardWeight(dy, x);
  const op = "linearBackwardWeight";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "dy", dy);
  args[1] = runtime.at(op, "x", x);
  const dWeight = runtime.result(op, [outFeatures, inFeatures]);
  args[2] = dWeight.address;
  args[3] = outFeatures;
  args[4] = inFeatures;
  args[5] = rows;
  args[6] = dy.rowStride;
  args[7] = 1;
  args[8] = x.rowStride;
  args[9] = runtime.storageType(x);
  multiply(runtime, rows * inFeatures * outFeatures);
  return dWeight;
}

/** At 32 floating-point operations a nanosecond. */
function multiply(runtime: Runtime, multiplyAdds: number): void {
  runtime.run("product", multiplyAdds / 16);
}
