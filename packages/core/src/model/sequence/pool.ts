import type { Tensor } from "@mamba/kernel";
import type { Sequences } from "../../layers/sequences.ts";
import type { Ops } from "../../ops/run/ops.ts";
import type { SequenceConfig } from "./config.ts";

/**
 * The hidden states that the head reads: all of x [B, L, D] with "none", otherwise one for each sequence, [S, D]: the "last" one, or
 * the "mean" or the "max" over its positions. Without `sequences` a row is one sequence.
 */
export function pool(
  ops: Ops,
  x: Tensor,
  pooling: SequenceConfig["pooling"],
  sequences: Sequences | undefined,
): Tensor {
  switch (pooling) {
    case "none":
      return x;
    case "mean":
      return ops.meanPositions(x, sequences);
    case "max":
      return ops.maxPositions(x, sequences);
    case "last":
      return lastPositions(ops, x, sequences);
    default:
      return pooling satisfies never;
  }
}

function lastPositions(ops: Ops, x: Tensor, sequences: Sequences | undefined): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
  const ends = Array.from({ length: batch }, (_, row) => (row + 1) * length - 1);
  const rows = ops.reshape(x, [batch * length, width]);
  return ops.gatherRows(rows, sequences?.lastPositions ?? ends);
}
