import type { Tensor } from "@mamba/kernel";
import { checkPosition } from "./run/checkPosition.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * x [B, L, D], token [D] -> [B, L+1, D]: `token` becomes position `at` of each row, and the positions from `at` move back by
 * one. at = L appends it.
 *
 * @throws MambaError `INPUT` unless `at` is a whole number in [0, L]
 */
export function insertPosition(run: OpRun, x: Tensor, token: Tensor, at: number): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
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
    const of = (inserted: boolean) =>
      sink.kernel.gatherRows(
        flat,
        places.filter((i) => (order[i] === count) === inserted),
      );
    sink.add(x, () => {
      using kept = of(false);
      return sink.kernel.reshape(kept, x.shape);
    });
    sink.add(token, () => {
      using inserted = of(true);
      return sink.kernel.sumRows(inserted);
    });
  });
}
