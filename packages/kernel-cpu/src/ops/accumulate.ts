import { checkAccumulate, isDense, rowCount, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function accumulate(runtime: Runtime, target: Tensor, x: Tensor, factor = 1): void {
  checkAccumulate(target, x, factor);
  const op = "accumulate";
  runtime.checkOpen(op);
  const { args } = runtime;
  const features = x.shape[x.shape.length - 1] as number;
  const rows = rowCount(x);
  const dense = isDense(x) && isDense(target);
  args[0] = runtime.at(op, "x", x);
  args[2] = runtime.at(op, "target", target);
  args[3] = dense ? 1 : rows;
  args[4] = dense ? rows * features : features;
  args[5] = x.rowStride;
  runtime.floatArgs[7] = factor;
  args[8] = target.rowStride;
  runtime.run(op, 0.4 * rows * features);
}
