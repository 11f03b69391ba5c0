import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A counter-based random number in [0, 1): it depends on its arguments alone. */
export function uniformAt(...keys: readonly number[]): number {
  return uniformFloat64(xoroshiro128plus(hash(...keys)));
}

/** Mixes 32-bit words into one (the finaliser of MurmurHash3 after each). */
export function hash(...words: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const word of words) {
    state = Math.imul(state ^ word, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state;
}
