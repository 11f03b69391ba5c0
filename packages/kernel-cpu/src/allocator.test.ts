import fc from "fast-check";
import { expect, test } from "vitest";
import { Allocator, type Chunk } from "./allocator.ts";

function take(allocator: Allocator, lines: number): Chunk {
  let chunk = allocator.allocate(lines);
  if (!chunk) {
    allocator.grow(allocator.shortfall(lines));
    chunk = allocator.allocate(lines);
  }
  if (!chunk) throw new Error(`no chunk of ${lines} lines after growing`);
  return chunk;
}

test("any sequence of requests gives disjoint chunks, and freeing all leaves one chunk", () => {
  const step = fc.record({ lines: fc.integer({ min: 1, max: 5000 }), drop: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const allocator = new Allocator(7);
      const live: Chunk[] = [];
      for (const { lines, drop } of steps) {
        if (drop % 3 === 0 && live.length > 0) {
          const [chunk] = live.splice(drop % live.length, 1);
          if (chunk) allocator.free(chunk);
        } else {
          const chunk = take(allocator, lines);
          expect(chunk.lines).toBe(lines);
          live.push(chunk);
        }
        const sorted = [...live].sort((a, b) => a.start - b.start);
        let end = 7;
        for (const chunk of sorted) {
          expect(chunk.start).toBeGreaterThanOrEqual(end);
          end = chunk.start + chunk.lines;
        }
        expect(end).toBeLessThanOrEqual(allocator.end);
      }
      for (const chunk of live) allocator.free(chunk);
      const before = allocator.end;
      if (before > 7) expect(take(allocator, before - 7).start).toBe(7);
      expect(allocator.end).toBe(before);
    }),
  );
});

test("a steady state of mixed requests stops growing", () => {
  const allocator = new Allocator(0);
  const round = () => {
    const chunks = [24, 96, 3, 1, 786, 48].map((lines) => take(allocator, lines));
    for (const chunk of chunks) allocator.free(chunk);
  };
  round();
  const { end } = allocator;
  for (let i = 0; i < 1000; i++) round();
  expect(allocator.end).toBe(end);
});

test("a freed large chunk serves requests of other sizes", () => {
  const allocator = new Allocator(0);
  const large = take(allocator, 1 << 20);
  const after = take(allocator, 1);
  allocator.free(large);
  const { end } = allocator;
  for (let i = 0; i < 64; i++) take(allocator, 1 << 14);
  expect(allocator.end).toBe(end);
  allocator.free(after);
});
