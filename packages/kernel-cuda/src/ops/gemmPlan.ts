/** How a matrix product is cut into blocks of threads. */
export interface GemmPlan {
  /** Rows and columns of the result that a block makes. */
  readonly tile: 64 | 128;
  /** Threads of a block. */
  readonly threads: number;
  /** Tiles, times the shares that the depth is cut into. */
  readonly grid: readonly [tiles: number, shares: number];
  readonly shares: number;
  /** The depth of a share. */
  readonly share: number;
}

/** The depth that a block works on at a time. */
const slice = 16;

/**
 * Multiprocessors of the GPU that plans are made for, whatever GPU it is: the order of a sum must not depend on the device.
 */
const processors = 132;

/**
 * In units of the time in which a multiprocessor brings two large tiles a slice further: what a slice of a tile costs at
 * least, and what it costs when the multiprocessor is full. Small tiles read more of shared memory for each product.
 */
const tiles = [
  { tile: 128, threads: 256, resident: 2, alone: 0.67, busy: 0.5 },
  { tile: 64, threads: 128, resident: 4, alone: 0.3, busy: 0.156 },
] as const;

/** The fastest way, by estimate, to compute a result of `m` by `n` over a depth of `k`. */
export function gemmPlan(m: number, n: number, k: number): GemmPlan {
  const slices = Math.ceil(k / slice);
  let best: GemmPlan | undefined;
  let least = Infinity;
  for (const { tile, threads, resident, alone, busy } of tiles) {
    const count = Math.ceil(m / tile) * Math.ceil(n / tile);
    for (let wanted = 1; wanted <= 32 && wanted * 4 <= Math.max(slices, 4); wanted++) {
      const depth = Math.ceil(slices / wanted);
      const shares = Math.ceil(slices / depth);
      const blocks = Math.ceil((count * shares) / processors);
      const rate = Math.max(blocks * busy, Math.ceil(blocks / resident) * alone);
      // Where the depth is shared out, the shares are written, read and added up by another launch.
      const rest = shares > 1 ? 1 + m * n * shares * 1.1e-6 : 0;
      const time = rate * (depth + 2) + rest;
      if (time >= least) continue;
      least = time;
      best = { tile, threads, grid: [count, shares], shares, share: depth * slice };
    }
  }
  return best as GemmPlan;
}
