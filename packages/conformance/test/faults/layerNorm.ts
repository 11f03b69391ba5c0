import { reference } from "../../src/index.ts";
import type { ArenaTensor } from "../arena.ts";
import { layerNorm, layerNormBackward } from "../referenceOps.ts";
import { fault, total } from "./fault.ts";

/** The variance of a row as mean(x²) - mean(x)², in float32. */
function roundedVariance(row: readonly number[]): number {
  const mean = Math.fround(row.reduce((sum, x) => Math.fround(sum + x), 0) / row.length);
  const squares = row.reduce((sum, x) => Math.fround(sum + Math.fround(x * x)), 0);
  return Math.max(0, Math.fround(Math.fround(squares / row.length) - Math.fround(mean * mean)));
}

export const layerNormFaults = [
  fault(
    "layerNorm",
    "layerNorm: eps is added to the standard deviation",
    (arena, sizes, x, weight, bias, eps) => layerNorm(arena, sizes, x, weight, bias, Math.sqrt(eps)),
  ),
  fault(
    "layerNorm",
    "layerNorm: the variance as a difference of squares",
    (arena, { features }, x, weight, bias, eps) => {
      const [values, w, b] = [Array.from(x.values()), weight?.values(), bias?.values()];
      const y = values.map((value, i) => {
        const row = values.slice(i - (i % features), i - (i % features) + features);
        const scale = 1 / Math.sqrt(roundedVariance(row) + eps);
        return (value - total(row) / features) * scale * (w?.[i % features] ?? 1) + (b?.[i % features] ?? 0);
      });
      return arena.result(x.shape, y);
    },
  ),
  fault("layerNorm", "layerNorm: the bias is scaled", (arena, sizes, x, weight, bias, eps) => {
    const { rows, features } = sizes;
    const w = weight?.values();
    const scaled = bias?.values().map((value, d) => value * (w?.[d] ?? 1));
    return arena.result(x.shape, reference.layerNorm(rows, features, x.values(), w, scaled, eps));
  }),
  fault(
    "layerNormBackward",
    "layerNorm backward: the mean is a constant",
    (arena, sizes, dy, x, weight, bias, eps) => {
      const { features } = sizes;
      const results = layerNormBackward(arena, sizes, dy, x, weight, bias, eps);
      const w = weight?.values();
      const g = Array.from(dy.values(), (value, i) => value * (w?.[i % features] ?? 1));
      const dx = results.dx as ArenaTensor;
      dx.elements.set(
        dx.values().map((value, i) => {
          const start = i - (i % features);
          return value + total(g.slice(start, start + features)) / features;
        }),
      );
      return results;
    },
  ),
];
