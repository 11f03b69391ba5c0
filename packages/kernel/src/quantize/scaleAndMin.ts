import { readHalf, writeHalf } from "./codec.ts";

// The part that q4_k and q5_k share. A block of 256 elements has eight groups of 32, and begins with d f16, dmin f16 and the
// 6-bit scales and minima of its groups in twelve bytes. w = d · scale · n - dmin · minimum.

/** Groups of a block. */
const groups = 8;

/** Scales and minima of the groups of one block, and their products with d and dmin. */
export interface GroupScales {
  readonly scales: Float64Array;
  readonly minima: Float64Array;
}

export function groupScales(): GroupScales {
  return { scales: new Float64Array(groups), minima: new Float64Array(groups) };
}

/** Reads `d · scale` and `dmin · minimum` of each group of the block at byte `at`. */
export function readGroupScales(blocks: Uint8Array, at: number, { scales, minima }: GroupScales): void {
  const d = readHalf(blocks, at);
  const dmin = readHalf(blocks, at + 2);
  const s = at + 4;
  for (let j = 0; j < 4; j++) {
    const [low, middle, high] = [blocks[s + j]!, blocks[s + j + 4]!, blocks[s + j + 8]!];
    scales[j] = d * (low & 63);
    minima[j] = dmin * (middle & 63);
    scales[j + 4] = d * ((high & 15) | ((low >> 6) << 4));
    minima[j + 4] = dmin * ((high >> 4) | ((middle >> 6) << 4));
  }
}

/**
 * Rounds the scales and minima to six bits, writes them with d and dmin to the head of the block at byte `at`, and replaces
 * them by the values that are stored.
 */
export function writeGroupScales(blocks: Uint8Array, at: number, stored: GroupScales): void {
  const { scales, minima } = stored;
  let maxScale = 0;
  let maxMinimum = 0;
  for (let j = 0; j < groups; j++) {
    maxScale = Math.max(maxScale, scales[j]!);
    maxMinimum = Math.max(maxMinimum, minima[j]!);
  }
  writeHalf(blocks, at, maxScale / 63);
  writeHalf(blocks, at + 2, maxMinimum / 63);
  const s = at + 4;
  for (let j = 0; j < groups; j++) {
    const scale = maxScale > 0 ? Math.min(63, Math.round((63 / maxScale) * scales[j]!)) : 0;
    const minimum = maxMinimum > 0 ? Math.min(63, Math.round((63 / maxMinimum) * minima[j]!)) : 0;
    if (j < 4) {
      blocks[s + j] = scale;
      blocks[s + j + 4] = minimum;
    } else {
      blocks[s + j + 4] = (scale & 15) | ((minimum & 15) << 4);
      blocks[s + j - 4]! |= (scale >> 4) << 6;
      blocks[s + j]! |= (minimum >> 4) << 6;
    }
  }
  readGroupScales(blocks, at, stored);
}

/** The scales that the search tries: `(first + step · k + largest n) / (max - min)` for k = 0 … count. */
export interface Search {
  /** The largest n. */
  readonly largest: number;
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

const weights = new Float64Array(32);
const offsets = new Float64Array(32);

/**
 * Finds scale and minimum of group `j`, the 32 values from `from` on: for each tried scale the elements are rounded, and the
 * weighted least-squares fit of scale and minimum to them follows in closed form. The fit with the smallest error is kept. The
 * weights are sqrt(mean x²) + |x|; a minimum above 0 is not stored, so w = scale · n - minimum with minimum >= 0.
 */
export function fitGroup(
  values: Float32Array,
  from: number,
  { largest, first, step, count }: Search,
  found: GroupScales,
  j: number,
): void {
  let min = 0;
  let max = -Infinity;
  let squares = 0;
  for (let i = 0; i < 32; i++) {
    const x = values[from + i]!;
    min = x < min ? x : min;
    max = x > max ? x : max;
    squares += x * x;
  }
  found.scales[j] = 0;
  found.minima[j] = -min;
  if (max <= min) return;
  // Stays where all elements are equal, which leaves the two unknowns of the fit open.
  found.scales[j] = (max - min) / largest;
  const rms = Math.sqrt(squares / 32);
  let sw = 0;
  let sx = 0;
  let sxx = 0;
  for (let i = 0; i < 32; i++) {
    const x = values[from + i]!;
    const w = rms + Math.abs(x);
    weights[i] = w;
    offsets[i] = x - min;
    sw += w;
    sx += w * x;
    sxx += w * x * x;
  }
  let error = Infinity;
  for (let k = 0; k <= count; k++) {
    const inverse = (first + step * k + largest) / (max - min);
    let sl = 0;
    let sll = 0;
    let sxl = 0;
    for (let i = 0; i < 32; i++) {
      const offset = offsets[i]!;
      const nearest = (inverse * offset + 0.5) | 0;
      const n = nearest < largest ? nearest : largest;
      const wn = weights[i]! * n;
      sl += wn;
      sll += wn * n;
      sxl += wn * offset;
    }
    // The sums with x instead of x - min.
    sxl += min * sl;
    const determinant = sw * sll - sl * sl;
    if (!(determinant > 0)) continue;
    let scale = (sw * sxl - sx * sl) / determinant;
    let minimum = (sll * sx - sl * sxl) / determinant;
    if (minimum > 0) {
      minimum = 0;
      scale = sxl / sll;
    }
    const own = sxx - scale * sxl - minimum * sx;
    if (own < error) {
      error = own;
      found.scales[j] = scale;
      found.minima[j] = -minimum;
    }
  }
}

/** The n of the element `x` in a group with these stored values. */
export function nearestLevel(x: number, scale: number, minimum: number, largest: number): number {
  if (scale === 0) return 0;
  const n = (x + minimum) / scale + 0.5;
  return n < 1 ? 0 : n >= largest ? largest : n | 0;
}
