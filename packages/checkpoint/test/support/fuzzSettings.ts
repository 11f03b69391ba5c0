/**
 * How many cases a property is tried on, and with which seed. In tests a few with a fixed seed; with `pnpm fuzz`, which sets
 * `MAMBA_FUZZ_SEED`, many with that seed.
 */
export function fuzzSettings(long: number, short: number): { numRuns: number; seed: number } {
  const seed = process.env["MAMBA_FUZZ_SEED"];
  return seed === undefined ? { numRuns: short, seed: 1 } : { numRuns: Math.ceil(long), seed: Number(seed) };
}
