// WGSL of the scan with heads. All shaders work on the heads [first, first + heads) of the call, and on chunks of 64 positions.
// Positions are ranks, see `sequenceFunctions`: padding has none, and a chunk holds 64 consecutive ranks.

import { decay, isNan } from "../wgsl/math.ts";

/** Positions per chunk: the rows of one tile of a product. */
export const chunkLength = 64;

/**
 * The planes of numbers in `plan`, each [B, heads, chunks * 64] in the order of ranks:
 * - 0 `logDecay`, 1 `weight`
 * - 2, 3: the sums of logDecay from the start of 16 ranks up to this one, and from the next one to the end of the 16
 * - 4: the decay from the start of the chunk to this rank, itself included
 * - 5: the decay from this rank, itself not included, to the end of the chunk
 *
 * They are sums, never differences of sums: those lose all digits of a small decay that follows a large one.
 */
export const planes = 6;

/** Parameters that all these shaders have. */
export const ssdParams = {
  batch: "u32",
  length: "u32",
  chunks: "u32",
  /** Heads of this part of the call, and the number of the first. */
  heads: "u32",
  first: "u32",
  headDim: "u32",
  stateSize: "u32",
  /** Heads that read one group of B and C. */
  perGroup: "u32",
} as const;

/** Words of `plan` for the ranks of one row: the rows, starts and ends, and the number of real ranks. */
export const planWords = (chunks: number): number => 3 * chunks * chunkLength + 1;

/** WGSL that finds the places in `plan`. */
export const planPlaces = /* wgsl */ `
fn ranks() -> u32 { return p.chunks * ${chunkLength}u; }
fn infoAt(b: u32) -> u32 { return b * (3u * ranks() + 1u); }
fn planeAt(plane: u32, b: u32, h: u32) -> u32 {
  return p.batch * (3u * ranks() + 1u) + ((plane * p.batch + b) * p.heads + h) * ranks();
}
fn chunkDecayAt(b: u32, c: u32, h: u32) -> u32 {
  return planeAt(${planes}u, 0u, 0u) + (b * p.heads + h) * p.chunks + c;
}
const freshBits = 0xbf800000u; // in the place of the decay of a chunk in which a sequence starts: -1`;

/**
 * WGSL that reads `plan`.
 * - `rowAt(b, rank)`: the row of [B * L, …] of a rank; ranks from L on have that of the last
 * - `startOf(b, rank)`: the rank at which the sequence of a real rank starts
 * - `lastOf(b, rank)`: the last rank of its sequence in its chunk
 * - `realCount(b)`: the number of real ranks
 * - `seesStart(b, rank, low)`: true when the state before the chunk, which starts at `low`, reaches the rank
 */
export const planReaders = /* wgsl */ `
${planPlaces}
fn number(i: u32) -> f32 { return bitcast<f32>(plan[i]); }
fn rowAt(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + rank]; }
fn startOf(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + ranks() + rank]; }
fn lastOf(b: u32, rank: u32) -> u32 { return plan[infoAt(b) + 2u * ranks() + rank]; }
fn realCount(b: u32) -> u32 { return plan[infoAt(b) + 3u * ranks()]; }
fn seesStart(b: u32, rank: u32, low: u32) -> bool { return startOf(b, rank) < max(low, 1u); }`;

/**
 * WGSL `decayBetween(i, j)`: the decay from rank j of the chunk, itself not included, to rank i >= j; and `ownWeight(j)`. They need
 * `loadOwn`, and on a GPU then a barrier: there they read planes 0 to 3 from workgroup memory.
 */
export const decayBetween = (parallel: boolean): string => /* wgsl */ `
${isNan}
${decay}
${
  parallel
    ? `var<workgroup> own: array<f32, 256>;
fn loadOwn(lane: u32, b: u32, h: u32, low: u32) {
  for (var i = 0u; i < 4u; i++) { own[64u * i + lane] = number(planeAt(i, b, h) + low + lane); }
}
fn plane(i: u32, rank: u32) -> f32 { return own[64u * i + rank]; }`
    : `var<private> ownAt: u32;
var<private> planeSize: u32;
fn loadOwn(lane: u32, b: u32, h: u32, low: u32) {
  ownAt = planeAt(0u, b, h) + low;
  planeSize = planeAt(1u, 0u, 0u) - planeAt(0u, 0u, 0u);
}
fn plane(i: u32, rank: u32) -> f32 { return number(ownAt + planeSize * i + rank); }`
}
fn ownWeight(j: u32) -> f32 { return plane(1u, j); }
fn decayBetween(i: u32, j: u32) -> f32 {
  var sum = 0.0;
  if (i / 16u == j / 16u) {
    for (var t = j + 1u; t <= i; t++) { sum += plane(0u, t); }
  } else {
    sum = plane(3u, j);
    for (var t = j / 16u + 1u; t < i / 16u; t++) { sum += plane(2u, 16u * t + 15u); }
    sum += plane(2u, i);
  }
  return decay(sum);
}`;

/** WGSL of the chunk `c` of head `h`, local, of row `b`, from a number of them; the last of `tiles` numbers. */
export const chunkOfGroup = (tiles: string): string => /* wgsl */ `
  let h = (group / ${tiles}) % p.heads;
  let c = (group / (${tiles} * p.heads)) % p.chunks;
  let b = group / (${tiles} * p.heads * p.chunks);
  let low = c * ${chunkLength}u;
  let end = min(low + ${chunkLength}u, p.length);
  let high = clamp(realCount(b), low, end);
  let terms = high - low;
  let head = p.first + h;
  let g = head / p.perGroup;`;
