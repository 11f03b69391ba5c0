import { CHUNK, chunkRows, ElementwiseArgs, elementwiseUnits } from "./elementwise.ts";

// y[i] = keep(i) ? x[i] · factor : 0, where i is the row-major index of the element. With mix(h): h ^= h >>> 16; h *= 0x21f0aaad;
// h ^= h >>> 15; h *= 0x735a2d97; h ^= h >>> 15 (Wellons' lowbias32):
//
//   keep(i) = mix(mix(i ^ mix(seed + 0x9e3779b9)) + seed) >= threshold

@unmanaged
export class DropoutArgs extends ElementwiseArgs {
  seed!: u32;
  threshold!: u32; // floor(probability · 2^32)
}

export function dropoutUnits(args: DropoutArgs): i32 {
  return elementwiseUnits(args);
}

export function dropoutRun(args: DropoutArgs, begin: i32, end: i32, scratch: usize): void {
  const features = args.features;
  const chunks = (features + CHUNK - 1) / CHUNK;
  const rowsPerUnit = chunkRows(features);
  for (let unit = begin; unit < end; unit++) {
    const column = (unit % chunks) * CHUNK;
    const count = min(features - column, CHUNK);
    const first = (unit / chunks) * rowsPerUnit;
    const last = min(first + rowsPerUnit, args.rows);
    for (let row = first; row < last; row++) {
      const x = args.a + ((<usize>row * args.aStride + column) << 2);
      const y = args.y + ((<usize>row * args.yStride + column) << 2);
      dropRow(args, x, y, row * features + column, count);
    }
  }
}

/** `index` is the row-major index of the first element. */
function dropRow(args: DropoutArgs, x: usize, y: usize, index: i32, count: i32): void {
  const factor = f32x4.splat(args.factor);
  const seed = i32x4.splat(args.seed);
  const key = mix(i32x4.splat(args.seed + 0x9e3779b9));
  const threshold = i32x4.splat(args.threshold);
  let indices = i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3));
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const at = <usize>i << 2;
    const kept = i32x4.ge_u(hash(indices, key, seed), threshold);
    v128.store(y + at, v128.and(f32x4.mul(v128.load(x + at), factor), kept));
    indices = i32x4.add(indices, i32x4.splat(4));
  }
  if (i == count) return;
  // The lanes of the last one to three elements, one by one.
  let kept = i32x4.ge_u(hash(indices, key, seed), threshold);
  for (; i < count; i++) {
    const at = <usize>i << 2;
    v128.store_lane<f32>(y + at, v128.and(f32x4.mul(v128.load32_splat(x + at), factor), kept), 0);
    kept = v128.shuffle<i32>(kept, kept, 1, 2, 3, 0);
  }
}

@inline
function hash(indices: v128, key: v128, seed: v128): v128 {
  return mix(i32x4.add(mix(v128.xor(indices, key)), seed));
}

@inline
function mix(h: v128): v128 {
  h = v128.xor(h, i32x4.shr_u(h, 16));
  h = i32x4.mul(h, i32x4.splat(0x21f0aaad));
  h = v128.xor(h, i32x4.shr_u(h, 15));
  h = i32x4.mul(h, i32x4.splat(0x735a2d97));
  return v128.xor(h, i32x4.shr_u(h, 15));
}
