import { isQuantized } from "@mamba/kernel";
import { Arena } from "./arena.ts";
import { ReferenceKernel } from "./referenceKernel.ts";
import { linear, type Op } from "./referenceOps.ts";

/** A row of x rounded to int8, with the scale max|x| / 127. */
export type RoundRow = (row: Float32Array) => void;

export const roundRow: RoundRow = (row) => {
  const scale = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127;
  if (scale === 0) return;
  row.forEach((value, i) => (row[i] = Math.round(value / scale) * scale));
};

const linearOf =
  (round: RoundRow): Op<"linear"> =>
  (arena, sizes, x, weight, bias) => {
    if (!isQuantized(weight.dtype)) return linear(arena, sizes, x, weight, bias);
    const values = x.values() as Float32Array;
    const { inFeatures } = sizes;
    for (let from = 0; from < values.length; from += inFeatures)
      round(values.subarray(from, from + inFeatures));
    using rounded = arena.result(x.shape, values);
    return linear(arena, sizes, rounded, weight, bias);
  };

/** A reference kernel that rounds activations to int8 before it multiplies them with quantised weights. */
export function int8Kernel(round = roundRow): ReferenceKernel {
  return new ReferenceKernel({ linear: linearOf(round) }, new Arena(), { activations: "int8" });
}
