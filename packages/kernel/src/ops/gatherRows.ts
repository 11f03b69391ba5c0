import { fail } from "../checks/fail.ts";
import { checkInteger } from "../checks/scalars.ts";
import { checkAlive, checkNotQuantized } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface GatherRowsOp {
  /** A new dense tensor of rows `rows` of the first axis of `x`, in that order; repeats are allowed. `x` is not quantised. */
  gatherRows(x: Tensor, rows: readonly number[]): Tensor;
}

export const gatherRows = {
  parameters: ["x", "rows"],
  check(x, rows) {
    checkAlive("gatherRows", "x", x);
    checkNotQuantized("gatherRows", "x", x);
    if (rows.length === 0) fail("ARGUMENT", "gatherRows", "rows must name at least one row, got none");
    const [count = 0] = x.shape;
    for (const row of rows) checkInteger("gatherRows", "each row", row, 0, count - 1);
  },
} satisfies OpDefinition<GatherRowsOp["gatherRows"]>;
