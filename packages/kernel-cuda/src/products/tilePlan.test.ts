import { expect, test } from "vitest";
import { tilePlan } from "./tilePlan.ts";

const extents = [1, 9, 16, 17, 64, 130, 768, 4096, 50_280];

test("every plan covers the result and the depth, each chunk once", () => {
  for (const m of extents) {
    for (const n of extents) {
      for (const k of extents) {
        const { tile, threads, grid, chunks, chunkDepth } = tilePlan(m, n, k);
        expect(grid).toEqual([Math.ceil(m / tile) * Math.ceil(n / tile), chunks]);
        expect(threads).toBe(tile === 128 ? 256 : 128);
        expect(chunkDepth % 16).toBe(0);
        expect(chunks * chunkDepth).toBeGreaterThanOrEqual(k);
        expect((chunks - 1) * chunkDepth).toBeLessThan(k);
      }
    }
  }
});

test("large results are made of large tiles in one chunk; small ones split the depth", () => {
  expect(tilePlan(8192, 3072, 768)).toMatchObject({ tile: 128, chunks: 1 });
  expect(tilePlan(16, 768, 1536)).toMatchObject({ tile: 64 });
  expect(tilePlan(16, 768, 1536).chunks).toBeGreaterThan(4);
  // The gradient of a weight: few tiles, many rows.
  expect(tilePlan(80, 1536, 16_384).chunks).toBeGreaterThan(4);
});
