/** The blocks of threads of a tiled matrix product. */
export interface TilePlan {
  /** Rows and columns of the result that a block computes. */
  readonly tile: 64 | 128;
  /** Threads of a block. */
  readonly threads: number;
  /** Tiles of the result, times chunks of the depth. */
  readonly grid: readonly [tiles: number, chunks: number];
  readonly chunks: number;
  /** Depth of one chunk. */
  readonly chunkDepth: number;
}

/** Depth that a block loads at a time. */
const stepDepth = 16;

/**
 * Multiprocessors that all plans assume, on every GPU: the order of a sum must not depend on the device.
 */
const processors = 132;

/**
 * Cost of one step of a tile, in units of the time in which a multiprocessor advances two large tiles by one step: `alone`
 * is the least cost, `busy` the cost on a full multiprocessor. Small tiles read more shared memory per product.
 */
const tiles = [
  { tile: 128, threads: 256, resident: 2, alone: 0.67, busy: 0.5 },
  { tile: 64, threads: 128, resident: 4, alone: 0.3, busy: 0.156 },
] as const;

/** The plan with the least estimated time for a result of `m` by `n` over a depth of `k`. */
export function tilePlan(m: number, n: number, k: number): TilePlan {
  const steps = Math.ceil(k / stepDepth);
  let best: TilePlan | undefined;
  let least = Infinity;
  for (const { tile, threads, resident, alone, busy } of tiles) {
    const count = Math.ceil(m / tile) * Math.ceil(n / tile);
    for (let wanted = 1; wanted <= 32 && wanted * 4 <= Math.max(steps, 4); wanted++) {
      const depth = Math.ceil(steps / wanted);
      const chunks = Math.ceil(steps / depth);
      const blocks = Math.ceil((count * chunks) / processors);
      const rate = Math.max(blocks * busy, Math.ceil(blocks / resident) * alone);
      // With several chunks, another launch reads the partial results and adds them.
      const rest = chunks > 1 ? 1 + m * n * chunks * 1.1e-6 : 0;
      const time = rate * (depth + 2) + rest;
      if (time >= least) continue;
      least = time;
      best = { tile, threads, grid: [count, chunks], chunks, chunkDepth: depth * stepDepth };
    }
  }
  return best as TilePlan;
}
