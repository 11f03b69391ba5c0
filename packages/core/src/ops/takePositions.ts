import type { Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { checkPosition, checkRows } from "./run/checkPosition.ts";
import { gatherRows } from "./gatherRows.ts";
import { reshape } from "./reshape.ts";
import type { OpRun } from "./run/opRun.ts";

/**
 * x [B, L, D] -> [B, K, D]: the K `positions` of each row, in their order; repeats are allowed.
 *
 * @throws MambaError `INPUT` when x has other axes, there is no position, or one is no whole number in [0, L)
 */
export function takePositions(run: OpRun, x: Tensor, positions: readonly number[]): Tensor {
  const [batch, length, width] = checkRows("takePositions", x);
  if (positions.length === 0)
    throw new MambaError("INPUT", "takePositions: at least one position was expected, got none");
  for (const position of positions) checkPosition("takePositions", position, length - 1);
  const rows = Array.from({ length: batch }, (_, b) => positions.map((l) => b * length + l)).flat();
  const taken = gatherRows(run, reshape(run, x, [batch * length, width]), rows);
  return reshape(run, taken, [batch, positions.length, width]);
}
