import { type DataSource, ignoreIndex } from "@mamba/train";
import { checkWhole, draws } from "./draws.ts";

export interface AssociativeRecallOptions {
  /** Positions per example: at least four for each pair. */
  readonly length: number;
  /** Pairs of a key and a value, each of which is asked for once. Default 8. */
  readonly pairs?: number | undefined;
  /** Number of tokens: the first half are keys, the second half are values. Default 64. */
  readonly vocabSize?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Associative recall with many queries (MQAR, Arora et al. 2023, "Zoology", arXiv:2312.04927, section 3): pairs of a key and its
 * value, then each key once more, in a random order and at random places among random values. The target at such a place is the
 * value of the key. Keys of one example differ, values may repeat.
 *
 * @throws TrainError `CONFIG`
 */
export function associativeRecall(options: AssociativeRecallOptions): DataSource {
  const { length, pairs = 8, vocabSize = 64, seed = 0 } = options;
  const task = "associative recall";
  checkWhole(task, "pairs", pairs, 1, 2 ** 20);
  checkWhole(task, "length", length, 4 * pairs, 2 ** 28);
  checkWhole(task, "vocabSize", vocabSize, 2 * pairs, 2 ** 24);
  checkWhole(task, "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  const keys = Math.floor(vocabSize / 2);
  return {
    id: `${task}, length ${length}, pairs ${pairs}, vocabulary ${vocabSize}, seed ${seed}`,
    vocabSize,
    count: undefined,
    example(index) {
      const draw = draws(seed, index);
      const value = () => draw(keys, vocabSize - 1);
      const ids = Int32Array.from({ length }, value);
      const targets = new Int32Array(length).fill(ignoreIndex);
      const chosen = distinct(draw, keys, pairs);
      chosen.forEach((key, i) => {
        ids[2 * i] = key;
      });
      const places = distinct(draw, length - 2 * pairs, pairs);
      chosen.forEach((key, i) => {
        const place = 2 * pairs + (places[i] ?? 0);
        ids[place] = key;
        targets.set(ids.subarray(2 * i + 1, 2 * i + 2), place);
      });
      return { ids, targets };
    },
  };
}

/** `count` different numbers below `limit`, in a random order (Floyd's algorithm, then a shuffle). */
function distinct(draw: (min: number, max: number) => number, limit: number, count: number): number[] {
  const found = new Set<number>();
  for (let largest = limit - count; largest < limit; largest++) {
    const number = draw(0, largest);
    found.add(found.has(number) ? largest : number);
  }
  const numbers = [...found];
  for (let last = numbers.length - 1; last > 0; last--) {
    const other = draw(0, last);
    [numbers[last], numbers[other]] = [numbers[other] ?? 0, numbers[last] ?? 0];
  }
  return numbers;
}
