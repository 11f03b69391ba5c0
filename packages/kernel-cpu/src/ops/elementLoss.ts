import { type ElementLossArgs, type ElementLossKind, isDense, lastExtent } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import { BINARY_CROSS_ENTROPY, HUBER, QUANTILE, SQUARED_ERROR } from "../generated/records.ts";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";
import { chunkUnits } from "./elementwise.ts";

const kinds: Readonly<Record<ElementLossKind, number>> = {
  squaredError: SQUARED_ERROR,
  huber: HUBER,
  binaryCrossEntropy: BINARY_CROSS_ENTROPY,
  quantile: QUANTILE,
};

export const elementLoss: Op<"elementLoss"> = (runtime, sizes, args) => {
  const op = "elementLoss";
  const loss = runtime.result(op, [1]);
  computeLoss(runtime, op, sizes, args, loss, undefined);
  return { loss };
};

export const elementLossWithGradient: Op<"elementLossWithGradient"> = (runtime, sizes, args) => {
  const op = "elementLossWithGradient";
  const loss = runtime.result(op, [1]);
  const dx = runtime.result(op, args.x.shape);
  computeLoss(runtime, op, sizes, args, loss, dx);
  return { loss, dx };
};

function computeLoss(
  runtime: Runtime,
  op: string,
  { count }: Sizes<"elementLoss">,
  { kind, x, target, weight, delta = 0, levels }: Own<ElementLossArgs>,
  loss: CpuTensor,
  dx: CpuTensor | undefined,
): void {
  const dense = isDense(x) && kind !== "quantile";
  const features = dense ? count : lastExtent(x.shape);
  const rows = count / features;
  const sums = runtime.temporary(op, (1 + chunkUnits(rows, features)) * 8);
  try {
    const record = {
      ...{ x, target, weight, levels, dx, sums, loss, rows, features },
      ...{ xStride: dense ? features : x.rowStride, kind: kinds[kind], delta },
    };
    if (weight) {
      runtime.run("elementLossWeights", record, 0.3 * count);
      runtime.run("elementLossWeight", record, 0);
    } else runtime.heap.writeDoubles(sums.address, [count]);
    runtime.run("elementLoss", record, (kind === "binaryCrossEntropy" ? 3 : 1.5) * count);
    runtime.run("elementLossMean", record, 0);
  } finally {
    runtime.heap.free(sums);
  }
}
