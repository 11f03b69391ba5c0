import { formatShape, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { checkPosition, checkRows } from "./run/checkPosition.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * x [B, L, D], token [D] -> [B, L+1, D]: `token` becomes position `at` of each row, and the positions from `at` move back by
 * one. at = L appends it.
 *
 * @throws MambaError `INPUT` when x or the token has another shape, or `at` is no whole number in [0, L]
 */
export function insertPosition(run: OpRun, x: Tensor, token: Tensor, at: number): Tensor {
  const [batch, length, width] = checkRows("insertPosition", x);
  if (token.shape.length !== 1 || token.shape[0] !== width) {
    const problem = `token must be [${width}] for x ${formatShape(x.shape)}, got ${formatShape(token.shape)}`;
    throw new MambaError("INPUT", `insertPosition: ${problem}`);
  }
  checkPosition("insertPosition", at, length);
  const { kernel } = run;
  const count = batch * length;
  const longer = length + 1;
  // One lookup in a table of all rows of x and the token.
  using table = kernel.zeros([count + 1, width], "f32");
  using target = kernel.rows(table, 0, count);
  using source = kernel.reshape(x, [count, width]);
  kernel.copyInto(target, source);
  using last = kernel.rows(table, count, 1);
  using row = kernel.reshape(token, [1, width]);
  kernel.copyInto(last, row);
  const order = Array.from({ length: batch * longer }, (_, i) => {
    const [b, l] = [Math.floor(i / longer), i % longer];
    return l === at ? count : b * length + l - (l > at ? 1 : 0);
  });
  using rows = kernel.gatherRows(table, order);
  return run.result(kernel.reshape(rows, [batch, longer, width]), [x, token], (dy, sink) => {
    using flat = sink.kernel.reshape(dy, [batch * longer, width]);
    const places = [...order.keys()];
    const gathered = (isToken: boolean) =>
      sink.kernel.gatherRows(
        flat,
        places.filter((i) => (order[i] === count) === isToken),
      );
    sink.add(x, () => {
      using kept = gathered(false);
      return sink.kernel.reshape(kept, x.shape);
    });
    sink.add(token, () => {
      using inserted = gathered(true);
      return sink.kernel.sumRows(inserted);
    });
  });
}
