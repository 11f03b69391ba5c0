import type { ElementLossArgs, ElementLossKind } from "@mamba/kernel";
import { block, rowsOf } from "../elementwise.ts";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/** Elements whose losses one block of threads sums. */
const blockElements = 16 * block;

/** The numbers of the kinds in elementLoss.cu. */
const kinds: Readonly<Record<ElementLossKind, number>> = {
  squaredError: 0,
  huber: 1,
  binaryCrossEntropy: 2,
  quantile: 3,
};

export const elementLoss: Op<"elementLoss"> = (runtime, { levelCount }, args) => {
  const { loss, total } = meanLoss(runtime, "elementLoss", args, levelCount);
  total.dispose();
  return { loss };
};

export const elementLossWithGradient: Op<"elementLossWithGradient"> = (runtime, { levelCount }, args) => {
  const op = "elementLossWithGradient";
  const { x, target, weight, levels } = args;
  const { loss, total } = meanLoss(runtime, op, args, levelCount);
  const dx = runtime.result(op, x.shape);
  const [rows, width] = rowsOf(x);
  runtime.launch(op, "elementLossGradient", Math.ceil((rows * width) / block), block, [
    ...[x, target, weight, levels, total, dx],
    ...numbersOf(args, levelCount),
  ]);
  total.dispose();
  return { loss, dx };
};

/** Computes the loss, and the sum of the weights, which the caller disposes. */
function meanLoss(
  runtime: Runtime,
  op: string,
  args: Own<ElementLossArgs>,
  levelCount: number,
): { loss: CudaTensor; total: CudaTensor } {
  const { x, target, weight, levels } = args;
  const [rows, width] = rowsOf(x);
  const loss = runtime.result(op, [1]);
  const total = runtime.result(op, [1]);
  const blocks = Math.ceil((rows * width) / blockElements);
  const sums = runtime.result(op, [blocks, 2]);
  runtime.launch(op, "elementLoss", blocks, block, [
    ...[x, target, weight, levels, sums],
    ...numbersOf(args, levelCount),
  ]);
  runtime.launch(op, "elementLossMean", 1, 1024, [sums, loss, total, blocks]);
  sums.dispose();
  return { loss, total };
}

/** The arguments after the tensors, which the two GPU kernels that read x have in common. */
function numbersOf({ x, kind, delta }: Own<ElementLossArgs>, levelCount: number): number[] {
  return [...rowsOf(x), x.rowStride, levelCount, kinds[kind], delta ?? 0];
}
