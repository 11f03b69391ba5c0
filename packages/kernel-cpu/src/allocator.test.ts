import fc from "fast-check";
import { expect, test } from "vitest";
import { Allocator, type Block } from "./allocator.ts";

function take(allocator: Allocator, lines: number): Block {
  let block = allocator.allocate(lines);
  if (!block) {
    allocator.grow(allocator.shortfall(lines));
    block = allocator.allocate(lines);
  }
  if (!block) throw new Error(`no block of ${lines} lines after growing`);
  return block;
}

test("any sequence of requests gives disjoint blocks, and freeing all leaves one block", () => {
  const step = fc.record({ lines: fc.integer({ min: 1, max: 5000 }), drop: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const allocator = new Allocator(7);
      const live: Block[] = [];
      for (const { lines, drop } of steps) {
        if (drop % 3 === 0 && live.length > 0) {
          const [block] = live.splice(drop % live.length, 1);
          if (block) allocator.free(block);
        } else {
          const block = take(allocator, lines);
          expect(block.lines).toBe(lines);
          live.push(block);
        }
        const sorted = [...live].sort((a, b) => a.start - b.start);
        let end = 7;
        for (const block of sorted) {
          expect(block.start).toBeGreaterThanOrEqual(end);
          end = block.start + block.lines;
        }
        expect(end).toBeLessThanOrEqual(allocator.end);
      }
      for (const block of live) allocator.free(block);
      const before = allocator.end;
      if (before > 7) expect(take(allocator, before - 7).start).toBe(7);
      expect(allocator.end).toBe(before);
    }),
  );
});

test("a steady state of mixed requests stops growing", () => {
  const allocator = new Allocator(0);
  const round = () => {
    const blocks = [24, 96, 3, 1, 786, 48].map((lines) => take(allocator, lines));
    for (const block of blocks) allocator.free(block);
  };
  round();
  const { end } = allocator;
  for (let i = 0; i < 1000; i++) round();
  expect(allocator.end).toBe(end);
});

test("a freed large block serves requests of other sizes", () => {
  const allocator = new Allocator(0);
  const large = take(allocator, 1 << 20);
  const after = take(allocator, 1);
  allocator.free(large);
  const { end } = allocator;
  for (let i = 0; i < 64; i++) take(allocator, 1 << 14);
  expect(allocator.end).toBe(end);
  allocator.free(after);
});
