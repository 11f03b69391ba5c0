import { fail } from "../checks/fail.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SumOfSquaresOp {
  /** The sum of squares over all tensors (column views too), [1]: the squared norm of a gradient, kept on the device. */
  sumOfSquares(tensors: readonly Tensor[]): Tensor;
}

export const sumOfSquares = {
  parameters: ["tensors"],
  check(tensors) {
    const op = "sumOfSquares";
    if (tensors.length === 0) fail("ARGUMENT", op, "tensors must hold at least one tensor, got none");
    tensors.forEach((tensor, i) => checkF32(op, `tensors[${i}]`, tensor));
  },
} satisfies OpDefinition<SumOfSquaresOp["sumOfSquares"]>;
