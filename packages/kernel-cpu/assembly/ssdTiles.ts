import { loadLanes, madd, storeLanes } from "./lanes.ts";

// Register tiles of the scan of Mamba-2: two rows of eight numbers of the state of a head. A position takes four multiplications for the
// decay, four multiply-adds for the input and four for y, and the rows share B and C. Larger tiles do not fit the registers: the
// compilers of engines load all operands of a step before they compute.
//
// All operands of a tile are neighbours: B and C as [tiles][steps][B 8 | C 8], the decay and the inputs of two rows as [steps][4], and the state
// as [pairs of rows][tiles][first row 8 | second row 8].

/** Numbers of a row of a tile. */
const WIDTH: i32 = 8;
/** Bytes of a tile of the state, and of B and C at one position. */
export const TILE_BYTES: usize = 64;

/** Tiles of a pair of rows of N numbers. */
@inline
export function tiles(N: i32): i32 {
  return (N + WIDTH - 1) / WIDTH;
}

/** The first `count` numbers at `at`, none when `count` is 0 or less; then zeros. */
@inline
function loadFew(at: usize, count: i32): v128 {
  return count > 0 ? loadLanes(at, count) : f32x4.splat(0);
}

/** Copies a dense state [P, N] to tiles. The rest of the last tiles becomes 0, and so does that of a last pair with one row. */
export function packState(to: usize, from: usize, P: i32, N: i32): void {
  for (let p = 0; p < P; p++) {
    const row = to + <usize>((p >> 1) * tiles(N)) * TILE_BYTES + (<usize>(p & 1) << 5);
    copyTiles(row, from, N);
    from += (<usize>N) << 2;
  }
}

/** Copies tiles to a dense state [P, N]. */
export function unpackState(to: usize, from: usize, P: i32, N: i32): void {
  for (let p = 0; p < P; p++) {
    let tile = from + <usize>((p >> 1) * tiles(N)) * TILE_BYTES + (<usize>(p & 1) << 5);
    for (let n = 0; n < N; n += WIDTH) {
      const at = to + ((<usize>n) << 2);
      storeLanes(at, v128.load(tile), N - n);
      if (n + 4 < N) storeLanes(at + 16, v128.load(tile, 16), N - n - 4);
      tile += TILE_BYTES;
    }
    to += (<usize>N) << 2;
  }
}

/** Copies a row of N numbers to half tiles that are TILE_BYTES apart. */
@inline
function copyTiles(to: usize, from: usize, N: i32): void {
  const whole = N & -WIDTH;
  for (let n = 0; n < whole; n += WIDTH) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    to += TILE_BYTES;
    from += 32;
  }
  if (whole < N) {
    v128.store(to, loadLanes(from, N - whole));
    v128.store(to, loadFew(from + 16, N - whole - 4), 16);
  }
}

/** Copies `steps` rows of B and C, `bStep` and `cStep` bytes apart. */
export function zipRows(to: usize, B: usize, bStep: usize, C: usize, cStep: usize, steps: i32, N: i32): void {
  const tileStep = <usize>steps * TILE_BYTES;
  for (let t = 0; t < steps; t++) {
    let at = to;
    for (let n = 0; n < N; n += WIDTH) {
      const b = B + ((<usize>n) << 2);
      const c = C + ((<usize>n) << 2);
      if (n + WIDTH <= N) {
        v128.store(at, v128.load(b));
        v128.store(at, v128.load(b, 16), 16);
        v128.store(at, v128.load(c), 32);
        v128.store(at, v128.load(c, 16), 48);
      } else {
        v128.store(at, loadLanes(b, N - n));
        v128.store(at, loadFew(b + 16, N - n - 4), 16);
        v128.store(at, loadLanes(c, N - n), 32);
        v128.store(at, loadFew(c + 16, N - n - 4), 48);
      }
      at += tileStep;
    }
    to += TILE_BYTES;
    B += bStep;
    C += cStep;
  }
}

/** Advances a pair of rows of the state by `steps` positions, and adds the lanes of their products with C to `sums`. */
export function advance(state: usize, vectors: usize, inputs: usize, sums: usize, steps: i32, N: i32): void {
  const whole = N / WIDTH;
  for (let i = 0; i < whole; i++) {
    advanceTile(state, vectors, inputs, sums, steps);
    state += TILE_BYTES;
    vectors += <usize>steps * TILE_BYTES;
  }
  const rest = N % WIDTH;
  if (rest) advancePartial(state, vectors, inputs, sums, steps, laneMask(rest), laneMask(rest - 4));
}

function advanceTile(state: usize, vectors: usize, inputs: usize, sums: usize, steps: i32): void {
  let p0 = v128.load(state);
  let p1 = v128.load(state, 16);
  let q0 = v128.load(state, 32);
  let q1 = v128.load(state, 48);
  const end = inputs + ((<usize>steps) << 4);
  while (inputs < end) {
    const a = v128.load32_splat(inputs);
    const b0 = v128.load(vectors);
    const b1 = v128.load(vectors, 16);
    const u = v128.load32_splat(inputs, 4);
    p0 = madd(a, p0, f32x4.mul(u, b0));
    p1 = madd(a, p1, f32x4.mul(u, b1));
    const v = v128.load32_splat(inputs, 8);
    q0 = madd(a, q0, f32x4.mul(v, b0));
    q1 = madd(a, q1, f32x4.mul(v, b1));
    const c0 = v128.load(vectors, 32);
    const c1 = v128.load(vectors, 48);
    v128.store(sums, f32x4.add(v128.load(sums), madd(p1, c1, f32x4.mul(p0, c0))));
    v128.store(sums, f32x4.add(v128.load(sums, 16), madd(q1, c1, f32x4.mul(q0, c0))), 16);
    inputs += 16;
    vectors += TILE_BYTES;
    sums += 32;
  }
  v128.store(state, p0);
  v128.store(state, p1, 16);
  v128.store(state, q0, 32);
  v128.store(state, q1, 48);
}

/** Advances a tile that is not full. Lanes outside of `mask0` and `mask1` stay 0: an infinite input times the 0 beyond B would be NaN. */
function advancePartial(
  state: usize,
  vectors: usize,
  inputs: usize,
  sums: usize,
  steps: i32,
  mask0: v128,
  mask1: v128,
): void {
  let p0 = v128.load(state);
  let p1 = v128.load(state, 16);
  let q0 = v128.load(state, 32);
  let q1 = v128.load(state, 48);
  const end = inputs + ((<usize>steps) << 4);
  while (inputs < end) {
    const a = v128.load32_splat(inputs);
    const b0 = v128.load(vectors);
    const b1 = v128.load(vectors, 16);
    const u = v128.load32_splat(inputs, 4);
    p0 = v128.and(mask0, madd(a, p0, f32x4.mul(u, b0)));
    p1 = v128.and(mask1, madd(a, p1, f32x4.mul(u, b1)));
    const v = v128.load32_splat(inputs, 8);
    q0 = v128.and(mask0, madd(a, q0, f32x4.mul(v, b0)));
    q1 = v128.and(mask1, madd(a, q1, f32x4.mul(v, b1)));
    const c0 = v128.load(vectors, 32);
    const c1 = v128.load(vectors, 48);
    v128.store(sums, f32x4.add(v128.load(sums), madd(p1, c1, f32x4.mul(p0, c0))));
    v128.store(sums, f32x4.add(v128.load(sums, 16), madd(q1, c1, f32x4.mul(q0, c0))), 16);
    inputs += 16;
    vectors += TILE_BYTES;
    sums += 32;
  }
  v128.store(state, p0);
  v128.store(state, p1, 16);
  v128.store(state, q0, 32);
  v128.store(state, q1, 48);
}

/** The mask of the first `count` lanes: none when it is 0 or less, all when it is 4 or more. */
export function laneMask(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}
