import type { PositionsArgs, Tensor } from "@mamba/kernel";
import type { Sequences } from "../../layers/sequences.ts";
import type { OpRun } from "./opRun.ts";

/** The arguments of a pooling op over `x` [B, L, D]. @throws MambaError `INPUT` when the sequences do not fit */
export function pooledPositions(run: OpRun, x: Tensor, sequences: Sequences | undefined): PositionsArgs {
  if (sequences === undefined) return { x };
  const [batch = 0, length = 0] = x.shape;
  sequences.checkFits(batch, length);
  return { x, sequenceIds: sequences.tensor(run), ranges: sequences.rangesTensor(run) };
}
