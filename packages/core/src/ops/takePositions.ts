import type { Tensor } from "@mamba/kernel";
import { checkPosition } from "./run/checkPosition.ts";
import { gatherRows } from "./gatherRows.ts";
import { reshape } from "./reshape.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * x [B, L, D] -> [B, K, D]: the K `positions` of each row, in their order; repeats are allowed.
 *
 * @throws MambaError `INPUT` unless each position is a whole number in [0, L)
 */
export function takePositions(run: OpRun, x: Tensor, positions: readonly number[]): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
  for (const position of positions) checkPosition("takePositions", position, length - 1);
  const rows = Array.from({ length: batch }, (_, b) => positions.map((l) => b * length + l)).flat();
  const taken = gatherRows(run, reshape(run, x, [batch * length, width]), rows);
  return reshape(run, taken, [batch, positions.length, width]);
}
