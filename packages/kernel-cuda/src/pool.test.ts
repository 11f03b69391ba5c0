import { expect, test } from "vitest";
import { BlockPool } from "./pool.ts";

function pool(exact = false) {
  const log: string[] = [];
  let next = 0;
  const source = {
    allocate: (bytes: number) => (log.push(`+${bytes}`), (next += 2 ** 32)),
    free: (address: number) => void log.push(`-${address / 2 ** 32}`),
  };
  return { log, blocks: new BlockPool(source, exact) };
}

test("a repeated step gets the same blocks, in whatever order they were freed", () => {
  const { log, blocks } = pool();
  const step = (order: readonly number[]) => {
    const taken = [100, 100, 5000, 100].map((bytes) => blocks.take(bytes));
    for (const i of order) blocks.give(taken[i] as (typeof taken)[number]);
    return taken.map(({ id }) => id);
  };
  const first = step([0, 1, 2, 3]);
  expect(step([2, 3, 1, 0])).toEqual(first);
  expect(step([1, 0, 3, 2])).toEqual(first);
  expect(log).toEqual(["+256", "+256", "+5120", "+256"]);
});

test("trimming frees the blocks that were returned first", () => {
  const { log, blocks } = pool();
  const [a, b, c] = [1, 2, 3].map((n) => blocks.take(n * 256));
  for (const block of [b, c, a]) blocks.give(block!);
  blocks.trim(256);
  expect(log.slice(3)).toEqual(["-2", "-3"]);
  blocks.trim(0);
  expect(log.slice(5)).toEqual(["-1"]);
});

test("an exact pool does not round sizes and does not reuse blocks", () => {
  const { log, blocks } = pool(true);
  blocks.give(blocks.take(10));
  blocks.give(blocks.take(10));
  blocks.trim();
  expect(log).toEqual(["+10", "+10", "-1", "-2"]);
});
