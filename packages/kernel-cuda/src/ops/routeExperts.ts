import type { RouteExpertsArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";

/** Threads per block, one block for each row: kRouteBlock of routeExperts.cuh. */
export const routeBlock = 256;

const scorings = { softmax: 0, topSoftmax: 1, sigmoid: 2 } as const;

/** The words of RouteSizes in cuda/routeExperts.cuh. */
export function routeWords(
  { expertCount, perToken }: Parameters<Op<"routeExperts">>[1],
  { logits, scoring, normalize = false }: Own<RouteExpertsArgs>,
): Uint32Array {
  return Uint32Array.of(expertCount, perToken, logits.rowStride, scorings[scoring], normalize ? 1 : 0);
}

export const routeExperts: Op<"routeExperts"> = (runtime, sizes, args) => {
  const op = "routeExperts";
  const { rows, perToken, scale } = sizes;
  const experts = runtime.result(op, [rows, perToken], "i32");
  const weights = runtime.result(op, [rows, perToken]);
  const { logits, bias } = args;
  const given = [logits, bias, experts, weights, routeWords(sizes, args), scale];
  runtime.launch(op, op, rows, routeBlock, given);
  return { experts, weights };
};
