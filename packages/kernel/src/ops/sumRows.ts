import { checkF32, rowCount } from "../checks/tensors.ts";
import { lastExtent } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface SumRowsOp {
  /** dy [..., D] -> [D], the sum over all rows: the gradient of a bias. */
  sumRows(dy: Tensor): Tensor;
}

export const sumRows = {
  parameters: ["dy"],
  check(dy) {
    checkF32("sumRows", "dy", dy);
    return { rows: rowCount(dy), features: lastExtent(dy.shape) };
  },
} satisfies OpDefinition<SumRowsOp["sumRows"]>;
