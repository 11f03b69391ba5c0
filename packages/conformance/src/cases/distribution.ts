import type { SampleRow } from "@mamba/kernel";
import type { Values } from "../math.ts";

// The distribution that `sample` draws from. A draw within rounding distance of a step of the cumulative distribution may
// fall on either side of it. Cases keep away from such edges, so that every correct kernel gives the same token.

/** The numbers of a `SampleRow` that define the distribution, with a temperature above 0. */
export type SampleFilters = Pick<SampleRow, "temperature" | "topK" | "topP" | "minP">;

/**
 * Probabilities of one row of logits after temperature and filters. Each filter sees the result of the one before,
 * renormalised: topP is a fraction of the mass that topK leaves.
 *
 * @param row numbers and -infinity, at least one of them finite
 */
export function sampleProbabilities(row: Values, filters: SampleFilters): Float64Array {
  const { temperature, topK, topP, minP } = filters;
  const logits = Float64Array.from(row, (logit) => logit / temperature);
  const largest = logits.reduce((a, b) => Math.max(a, b));
  let p = normalised(logits.map((logit) => Math.exp(logit - largest)));
  if (topK !== undefined && topK < p.length) {
    const kth = [...logits].sort((a, b) => b - a)[topK - 1]!;
    p = normalised(p.map((mass, v) => (logits[v]! >= kth ? mass : 0)));
  }
  if (topP !== undefined && topP < 1) {
    const last = lastOfNucleus(p, topP);
    p = normalised(p.map((mass) => (mass >= last ? mass : 0)));
  }
  if (minP !== undefined && minP > 0) {
    const floor = minP * p.reduce((a, b) => Math.max(a, b));
    p = normalised(p.map((mass) => (mass >= floor ? mass : 0)));
  }
  return p;
}

/** The probability of the last token of the smallest set of most probable tokens whose mass reaches `topP`. */
function lastOfNucleus(p: Float64Array, topP: number): number {
  let mass = 0;
  for (const next of [...p].sort((a, b) => b - a)) {
    mass += next;
    if (mass >= topP) return next;
  }
  return 0;
}

function normalised(p: Float64Array): Float64Array {
  const total = p.reduce((a, b) => a + b);
  return p.map((mass) => mass / total);
}

/** Smallest distance, in probability, between a case and an edge of its distribution. */
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
export function cumulative(p: Iterable<number>): number[] {
  let sum = 0;
  return Array.from(p, (mass) => (sum += mass));
}

/** The filters with topP and minP moved off the edges that this row of logits has. */
export function clearFilters(row: Values, filters: SampleFilters): SampleFilters {
  const { temperature, topK } = filters;
  let clear: SampleFilters = { temperature, topK };
  if (filters.topP !== undefined) {
    const edges = cumulative(sampleProbabilities(row, clear).sort((a, b) => b - a));
    clear = { ...clear, topP: filters.topP < 1 ? clearOf(filters.topP, edges) : 1 };
  }
  if (filters.minP !== undefined) {
    const p = sampleProbabilities(row, clear);
    const largest = Math.max(...p);
    const edges = Array.from(p, (mass) => mass / largest);
    clear = { ...clear, minP: filters.minP < 1 ? clearOf(filters.minP, edges) : 1 };
  }
  return clear;
}
