import { isDense, lastExtent } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { rowCount } from "@mamba/kernel/author";
import { addressOf } from "../tensor.ts";

export const accumulate: Op<"accumulate"> = (runtime, _, target, x, factor = 1) => {
  const op = "accumulate";
  const { args } = runtime;
  const features = lastExtent(x.shape);
  const rows = rowCount(x);
  const dense = isDense(x) && isDense(target);
  args[0] = addressOf(x);
  args[2] = addressOf(target);
  args[3] = dense ? 1 : rows;
  args[4] = dense ? rows * features : features;
  args[5] = x.rowStride;
  runtime.floatArgs[7] = factor;
  args[8] = target.rowStride;
  runtime.run(op, 0.4 * rows * features);
};
