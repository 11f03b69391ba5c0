import type { Tensor } from "@mamba/kernel";
import type { Sequences } from "../layers/sequences.ts";
import type { OpRun } from "./run/opRun.ts";
import { pooledPositions } from "./run/pooledPositions.ts";

/**
 * x [B, L, D] -> [S, D]: the largest value over the positions of each sequence; the gradient flows to the first of equal ones.
 * Without `sequences` each row is one, and S = B.
 *
 * @throws MambaError `INPUT` when the sequences do not fit x, or there are none
 */
export function maxPositions(run: OpRun, x: Tensor, sequences?: Sequences): Tensor {
  const { y, index } = run.kernel.maxPositions(pooledPositions(run, x, sequences));
  run.hold(index);
  return run.result(y, [x], (dy, sink) => {
    const [batch = 0, length = 0] = x.shape;
    sink.add(x, () => sink.kernel.maxPositionsBackward({ dy, index, batch, length }));
    index.dispose();
  });
}
