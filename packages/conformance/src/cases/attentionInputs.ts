import type { Values } from "../math.ts";
import { sequenceIdsFor, padWith } from "./sequenceIds.ts";

// Sizes, inputs and the float64 loops that the suites of the attention ops share.

/** Sizes of an attention: those of a call, and the widths of a head. */
export interface AttentionShape {
  readonly B: number;
  readonly L: number;
  /** Query heads. */
  readonly H: number;
  /** Heads of keys and values, a divisor of H. */
  readonly G: number;
  /** Width of a head of queries and keys. */
  readonly K: number;
  /** Width of a head of values. */
  readonly V: number;
}

/** `B2 L65 H4/2 K8 V8` */
export function shapeLabel({ B, L, H, G, K, V }: AttentionShape): string {
  return `B${B} L${L} H${H}/${G} K${K} V${V}`;
}

/** For each query the largest score, the exponentials of all scores without it, and their sum. */
export interface SoftmaxRow {
  /** The positions of the keys that count. */
  readonly keys: readonly number[];
  /** The weight of each. */
  readonly weights: readonly number[];
  /** log(sum(exp(score))) */
  readonly logSumExp: number;
}

/** The weights of the keys at `keys`, for scores `scale · q · k`. */
export function softmaxRow(
  keys: readonly number[],
  width: number,
  scale: number,
  q: Values,
  qAt: number,
  k: Values,
  kAt: (position: number) => number,
): SoftmaxRow {
  const scores = keys.map((j) => {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += q[qAt + d]! * k[kAt(j) + d]!;
    return sum * scale;
  });
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return { keys, weights: powers.map((power) => power / sum), logSumExp: largest + Math.log(sum) };
}

/** The positions of the keys that query `i` of row `b` reads: none when it is padding. */
export function visibleKeys(ids: Values | undefined, b: number, i: number, length: number): number[] {
  const all = Array.from({ length: i + 1 }, (_, j) => j);
  if (ids === undefined) return all;
  const own = ids[b * length + i]!;
  return own < 0 ? [] : all.filter((j) => ids[b * length + j] === own);
}

/** Floating-point operations of one query head and key: a score, an exponential and a sum of values. */
export function pairFlops({ K, V }: AttentionShape): number {
  return 2 * K + 2 * V + 3;
}

/** Pairs of a query head and a key in a causal attention without sequences. */
export function causalPairs({ B, L, H }: AttentionShape): number {
  return (B * H * L * (L + 1)) / 2;
}

/** Fills the padding of `sequenceIdsFor` with NaN in each of these data, which have B · L rows. */
export function padAll(B: number, L: number, ...data: readonly Float32Array[]): Int32Array {
  for (const one of data) padWith(one, NaN, B, L, one.length / (B * L));
  return sequenceIdsFor(B, L);
}
