import { sampleProbabilities, type SampleFilters } from "../reference/sample.ts";

// A draw within rounding distance of a step of the cumulative distribution may fall on either side of it. Cases keep away
// from such edges, so that every correct kernel gives the same token.

/** How far, in probability, a case stays away from every edge. */
export const margin = 1e-4;

/** `target`, or the middle of the nearest wide gap between `edges` when one of them is within `margin` of it. */
export function clearOf(target: number, edges: readonly number[]): number {
  if (edges.every((edge) => Math.abs(edge - target) > margin)) return target;
  const sorted = [0, ...edges.filter((edge) => edge > 0 && edge < 1), 1].sort((a, b) => a - b);
  let best: number | undefined;
  sorted.forEach((edge, i) => {
    const next = sorted[i + 1] ?? edge;
    const middle = (edge + next) / 2;
    const nearer = best === undefined || Math.abs(middle - target) < Math.abs(best - target);
    if (next - edge > 4 * margin && nearer) best = middle;
  });
  if (best === undefined) throw new Error("this case's distribution is too fine: no gap between its edges");
  return best;
}

/** Running sums of the probabilities, in the order given. */
export function steps(p: Iterable<number>): number[] {
  let sum = 0;
  return Array.from(p, (mass) => (sum += mass));
}

/** The filters with topP and minP moved off the edges that these rows of logits have. */
export function clearFilters(rows: readonly Float32Array[], filters: SampleFilters): SampleFilters {
  const { temperature, topK } = filters;
  const spread = (some: SampleFilters): Float64Array[] =>
    rows.flatMap((row) => sampleProbabilities(row, some) ?? []);
  let clear: SampleFilters = { temperature, topK };
  if (filters.topP !== undefined) {
    const edges = spread(clear).flatMap((p) => steps([...p].sort((a, b) => b - a)));
    clear = { ...clear, topP: filters.topP < 1 ? clearOf(filters.topP, edges) : 1 };
  }
  if (filters.minP !== undefined) {
    const edges = spread(clear).flatMap((p) => Array.from(p, (mass) => mass / Math.max(...p)));
    clear = { ...clear, minP: filters.minP < 1 ? clearOf(filters.minP, edges) : 1 };
  }
  return clear;
}
