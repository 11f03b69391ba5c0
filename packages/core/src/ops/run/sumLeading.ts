import { elementCount, type Tensor, type TrainingKernel } from "@mamba/kernel";

/** The gradient of an operand that was repeated over leading axes: the sum of `gradient`, which is borrowed, over them. */
export function sumLeading(kernel: TrainingKernel, gradient: Tensor, operand: Tensor): Tensor {
  const period = elementCount(operand.shape);
  const repeats = elementCount(gradient.shape) / period;
  if (repeats === 1) return kernel.reshape(gradient, operand.shape);
  using rows = kernel.reshape(gradient, [repeats, period]);
  using sum = kernel.sumRows(rows);
  return kernel.reshape(sum, operand.shape);
}
