import type { SampleRow } from "@mamba/kernel";
import type { Values } from "../math.ts";
import { sampleProbabilities } from "./distribution.ts";

/** The tensors of a call of `sample`, as dense arrays. Extents follow from the lengths. */
export interface SampleValues {
  logits: Values;
  seen?: Values | undefined;
  ids?: Values | undefined;
  values?: Values | undefined;
  allow?: Values | undefined;
}

/** The results of `sample`; the last two have K elements for each row. */
export interface Sampled {
  ids: Int32Array;
  logProb: Float64Array;
  topIds: Int32Array;
  topLogProbs: Float64Array;
}

/** Row b of a dense array of `batch` rows. */
export function rowOf(data: Values | undefined, batch: number, b: number): number[] {
  const width = (data?.length ?? 0) / batch;
  return Array.from({ length: width }, (_, i) => data?.[b * width + i] ?? NaN);
}

/** True when a token can be chosen from a row: no NaN, no +infinity, at least one finite logit. */
export function isValid(row: readonly number[]): boolean {
  return row.every((logit) => logit < Infinity) && row.some(Number.isFinite);
}

/**
 * Row b of the logits after repetition penalty, `add` and `allow`; undefined when no token can be chosen from it. Ids outside
 * of [0, V) are padding.
 */
export function adjustedRow(
  { logits, seen, ids, values, allow }: SampleValues,
  batch: number,
  b: number,
  repetitionPenalty = 1,
): number[] | undefined {
  const row = rowOf(logits, batch, b);
  if (row.some((logit) => !(logit < Infinity))) return undefined;
  for (const id of new Set(rowOf(seen, batch, b))) {
    const logit = row[id];
    if (logit !== undefined) row[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  }
  const added = rowOf(values, batch, b);
  rowOf(ids, batch, b).forEach((id, k) => {
    const logit = row[id];
    if (logit !== undefined) row[id] = logit + (added[k] ?? NaN);
  });
  const words = rowOf(allow, batch, b);
  if (allow) {
    row.forEach((_, v) => {
      if ((((words[v >> 5] ?? 0) >>> (v % 32)) & 1) === 0) row[v] = -Infinity;
    });
  }
  return isValid(row) ? row : undefined;
}

/** The id that a row of `adjustedRow` gives. */
function chosenId(row: readonly number[], options: SampleRow): number {
  if (options.temperature === 0) return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  const p = sampleProbabilities(row, options);
  let chosen = -1;
  let sum = 0;
  for (const [v, mass] of p.entries()) {
    if (mass > 0) chosen = v;
    sum += mass;
    if (sum > options.uniform) break;
  }
  return chosen;
}

/** log softmax of a row; NaN for one from which no token can be chosen. */
function logSoftmax(row: readonly number[]): Float64Array {
  if (!isValid(row)) return new Float64Array(row.length).fill(NaN);
  const largest = row.reduce((a, b) => Math.max(a, b));
  const at = row.indexOf(largest);
  // log1p of all terms but that of the largest: near 0 nothing is lost.
  const others = row.reduce((sum, logit, v) => (v === at ? sum : sum + Math.exp(logit - largest)), 0);
  return Float64Array.from(row, (logit) => logit - largest - Math.log1p(others));
}

/** `sample` on [batch, V] logits, with the log-probabilities of the `K` most probable ids. */
export function sampleReference(
  batch: number,
  tensors: SampleValues,
  rows: readonly SampleRow[],
  K: number,
): Sampled {
  const sampled = {
    ids: new Int32Array(batch).fill(-1),
    logProb: new Float64Array(batch).fill(NaN),
    topIds: new Int32Array(batch * K).fill(-1),
    topLogProbs: new Float64Array(batch * K).fill(NaN),
  };
  for (const [b, options] of rows.entries()) {
    const adjusted = adjustedRow(tensors, batch, b, options.repetitionPenalty);
    const logits = rowOf(tensors.logits, batch, b);
    const p = logSoftmax(logits);
    if (adjusted) {
      const id = chosenId(adjusted, options);
      sampled.ids[b] = id;
      sampled.logProb[b] = p[id] ?? NaN;
    }
    if (!isValid(logits)) continue;
    const order = Array.from(logits.keys()).sort((v, w) =>
      p[v] === p[w] ? v - w : (p[w] ?? 0) > (p[v] ?? 0) ? 1 : -1,
    );
    order.slice(0, K).forEach((id, k) => {
      sampled.topIds[b * K + k] = id;
      sampled.topLogProbs[b * K + k] = p[id] ?? NaN;
    });
  }
  return sampled;
}
