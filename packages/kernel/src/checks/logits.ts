import type { Tensor } from "../tensor.ts";
import { bindAxes } from "./bindAxes.ts";

/** Checks logits [B, V] and returns their sizes. */
export function checkLogits(op: string, logits: Tensor): { batch: number; vocabSize: number } {
  const { B, V } = bindAxes(op, { logits: { tensor: logits, axes: "B V" } });
  return { batch: B, vocabSize: V };
}
