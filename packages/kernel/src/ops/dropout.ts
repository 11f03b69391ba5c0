import { fail } from "../checks/fail.ts";
import { checkInteger } from "../checks/scalars.ts";
import { checkF32 } from "../checks/tensors.ts";
import { elementCount } from "../dtype.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface DropoutOp {
  /**
   * `y[i] = keep(i) ? x[i] / (1 - probability) : 0` (Srivastava et al. 2014). i is the row-major index of the element, also in
   * a column view, modulo 2^32. `keep` depends on i, `probability` and `seed` alone, so that every backend drops the same
   * elements; `dropoutKeeps` is its formula. A dropped NaN is 0. The gradient is `dropout(dy, probability, seed)`.
   *
   * @param probability of an element to become 0, in [0, 1)
   * @param seed a whole number in [0, 2^32)
   */
  dropout(x: Tensor, probability: number, seed: number): Tensor;
}

export const dropout = {
  parameters: ["x", "probability", "seed"],
  check(x, probability, seed) {
    checkF32("dropout", "x", x);
    if (!(probability >= 0 && probability < 1)) {
      fail("ARGUMENT", "dropout", `probability must be in [0, 1), got ${probability}`);
    }
    checkInteger("dropout", "seed", seed, 0, 2 ** 32 - 1);
    return { count: elementCount(x.shape), threshold: dropoutThreshold(probability) };
  },
} satisfies OpDefinition<DropoutOp["dropout"]>;

/** An element is kept when its hash is at least this number. */
function dropoutThreshold(probability: number): number {
  return Math.floor(probability * 2 ** 32);
}

/**
 * True when `dropout` keeps element `i`, in the arithmetic of 32-bit words:
 * ```
 * hash = mix(mix(i ^ mix(seed + 0x9e3779b9)) + seed),  keep = hash >= floor(probability * 2^32)
 * mix(h): h ^= h >> 16; h *= 0x21f0aaad; h ^= h >> 15; h *= 0x735a2d97; h ^= h >> 15
 * ```
 * `mix` is the finaliser "lowbias32" of Wellons' hash prospector.
 */
export function dropoutKeeps(i: number, probability: number, seed: number): boolean {
  const hash = mix(mix(i ^ mix(seed + 0x9e3779b9)) + seed);
  return hash >= dropoutThreshold(probability);
}

function mix(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}
