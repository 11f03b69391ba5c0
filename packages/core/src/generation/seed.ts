import type { Rule } from "../checkOptions.ts";
import { uniformAt } from "../random.ts";

// Part of the platform everywhere (Web Crypto), also in insecure contexts, where `crypto.subtle` is missing.
const { crypto } = globalThis as unknown as { crypto: { getRandomValues(into: Uint32Array): Uint32Array } };

/** A random seed of 32 bits, from the platform. */
export function freshSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}

/** The random number in [0, 1) of one token: it depends on the sequence's seed and its number of generated ids alone. */
export function uniformOf(seed: number, generated: number): number {
  return uniformAt(seed >>> 0, Math.floor(seed / 2 ** 32), generated);
}

export const seedRule: Rule = [Number.isSafeInteger, "a whole number"];
