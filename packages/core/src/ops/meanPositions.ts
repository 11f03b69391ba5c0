import type { Tensor } from "@mamba/kernel";
import type { Sequences } from "../layers/sequences.ts";
import type { OpRun } from "./run/opRun.ts";
import { pooledPositions } from "./run/pooledPositions.ts";

/**
 * x [B, L, D] -> [S, D]: the mean over the positions of each sequence. Without `sequences` each row is one, and S = B.
 *
 * @throws MambaError `INPUT` when the sequences do not fit x, or there are none
 */
export function meanPositions(run: OpRun, x: Tensor, sequences?: Sequences): Tensor {
  const { sequenceIds, ranges } = pooledPositions(run, x, sequences);
  return run.result(run.kernel.meanPositions({ x, sequenceIds, ranges }), [x], (dy, sink) => {
    const [batch = 0, length = 0] = x.shape;
    sink.add(x, () => sink.kernel.meanPositionsBackward({ dy, batch, length, sequenceIds, ranges }));
  });
}
