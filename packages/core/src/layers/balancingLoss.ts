import { lastExtent, type RouteScoring, type Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { Sequences } from "./sequences.ts";

/**
 * The loss that balances experts (Fedus et al. 2021, equation 4): `E · sum(load[e] · meanScore[e])` over the real positions, [1]. load is the
 * fraction of the choices that fell on an expert, meanScore the mean of its scores, which sum to 1 in each row. It is 1 in balance.
 *
 * @param logits [R, E] of the router
 * @param experts i32 [R, K], the choices
 * @returns undefined when all positions are padding
 */
export function balancingLoss(
  ops: Ops,
  logits: Tensor,
  experts: Tensor,
  scoring: RouteScoring,
  sequences: Sequences | undefined,
): Tensor | undefined {
  const count = lastExtent(logits.shape);
  const real = sequences && realRows(sequences);
  if (real?.length === 0) return undefined;
  const isWhole = real === undefined || real.length === logits.shape[0];
  const rows = isWhole ? logits : ops.gatherRows(logits, real);
  const chosen = isWhole ? experts : ops.gatherRows(experts, real);
  const scores = scoring === "sigmoid" ? normalizedSigmoid(ops, rows) : ops.softmax(rows);
  const [number = 0] = scores.shape;
  const mean = ops.meanPositions(ops.reshape(scores, [1, number, count])); // [1, E]
  const loads = ops.reshape(ops.expertLoads(chosen, count), [1, count]);
  return ops.scale(ops.reshape(ops.linear(mean, loads), [1]), count);
}

/** sigmoid(x) for x [R, E], each row divided by its sum. */
function normalizedSigmoid(ops: Ops, x: Tensor): Tensor {
  // softmax(log(s)) = s / sum(s). `tiny` keeps the gradient of the logarithm finite where the sigmoid is 0: for x below -104.
  const count = lastExtent(x.shape);
  const tiny = ops.constant(new Float32Array(count).fill(1e-30), [count]);
  return ops.softmax(ops.log(ops.add(ops.sigmoid(x), tiny)));
}

function realRows({ ids }: Sequences): number[] {
  return [...ids.keys()].filter((at) => (ids[at] ?? -1) >= 0);
}
