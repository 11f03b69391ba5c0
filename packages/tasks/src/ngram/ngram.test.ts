import { type DataSource, type Example, ignoreIndex } from "@mamba/train";
import { expect, test } from "vitest";
import { draws } from "../draws.ts";
import { CountTable } from "./countTable.ts";
import { evaluateNgram, trainNgram } from "./evaluateNgram.ts";
import { Ngram } from "./ngram.ts";

const vocabSize = 4;

/** Letters that depend on the two before them, mostly. */
function source(count: number, length = 30, seed = 1): DataSource {
  return {
    id: "letters",
    vocabSize,
    count,
    example(index) {
      const draw = draws(seed, index);
      const ids = [draw(0, 3), draw(0, 3)];
      while (ids.length <= length) ids.push(draw(0, 4) > 0 ? (ids.at(-1)! + ids.at(-2)!) % 4 : draw(0, 3));
      return { ids: Int32Array.from(ids.slice(0, -1)), targets: Int32Array.from(ids.slice(1)) };
    },
  };
}

/** The same model in words: strings of n-grams, counted by going through all of them. */
function bruteForce(
  examples: readonly Example[],
  order: number,
  ids: readonly number[],
  word: number,
): number {
  const symbols = [0, 1, 2, 3];
  const grams = examples.flatMap(({ ids, targets }) =>
    [...targets].flatMap((target, i) => {
      const before = Array.from({ length: order - 1 }, (_, k) => ids[i - order + 2 + k] ?? "^");
      return target === ignoreIndex ? [] : [[...before, target].join("")];
    }),
  );
  /** c(gram) for grams of `length` symbols, in each order what its definition says. */
  const count = (gram: string, length = gram.length): number => {
    if (length === order) return grams.filter((one) => one === gram).length;
    const longer = new Set(grams.map((one) => one.slice(order - length - 1)));
    return [...longer].filter((one) => one.slice(1) === gram).length;
  };
  const discounts = (length: number): number[] => {
    const all = [...new Set(grams.map((one) => one.slice(order - length)))].map((gram) => count(gram));
    const n = (r: number) => all.filter((c) => c === r).length;
    const y = n(1) / (n(1) + 2 * n(2));
    return [1, 2, 3].map((r) => {
      const d = r - (r + 1) * y * (n(r + 1) / n(r));
      return d > 0 && d < r ? d : 0.5;
    });
  };
  const probability = (length: number): number => {
    if (length === 0) return 1 / vocabSize;
    const before = Array.from({ length: length - 1 }, (_, k) => ids[ids.length - length + 1 + k] ?? "^").join(
      "",
    );
    const counts = symbols.map((symbol) => count(`${before}${symbol}`));
    const total = counts.reduce((a, b) => a + b);
    if (total === 0) return probability(length - 1);
    const d = (c: number) => (c === 0 ? 0 : discounts(length)[Math.min(c, 3) - 1]!);
    const freed = counts.reduce((sum, c) => sum + d(c), 0);
    return (counts[word]! - d(counts[word]!) + freed * probability(length - 1)) / total;
  };
  return probability(order);
}

test.each([1, 2, 3, 4])("order %d agrees with counting by hand", async (order) => {
  const train = source(6);
  const ngram = await trainNgram(train, { order });
  const examples = Array.from({ length: 6 }, (_, i) => train.example(i) as Example);
  const { ids } = source(1, 8, 77).example(0) as Example;
  ids.forEach((_, position) => {
    const found = ngram.predict(ids, position, new Float64Array(vocabSize));
    for (const word of [0, 1, 2, 3]) {
      expect(found[word]).toBeCloseTo(
        bruteForce(examples, order, [...ids.subarray(0, position + 1)], word),
        12,
      );
    }
  });
});

test("probabilities sum to one and none is zero, in contexts that were seen and not", async () => {
  const ngram = await trainNgram(source(50), { order: 5 });
  const strange = Int32Array.of(3, 3, 3, 3, 3, 0, 0, 0, 1, 0, 2, 3, 1, 1, 1, 1, 1, 2);
  strange.forEach((_, position) => {
    const found = ngram.predict(strange, position, new Float64Array(vocabSize));
    expect(found.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(Math.min(...found)).toBeGreaterThan(0);
  });
  const uniform = new Ngram(8, 3).predict(strange, 4, new Float64Array(8));
  expect([...uniform]).toEqual(new Array(8).fill(1 / 8));
});

test("its loss is the mean over what counts, and falls to that of the data where the order suffices", async () => {
  const [train, held] = [source(400), source(100, 30, 2)];
  const losses = [];
  for (const order of [1, 2, 3]) {
    const ngram = await trainNgram(train, { order });
    const found = await evaluateNgram(ngram, held, { examples: 100 });
    expect(found).toMatchObject({ examples: 100, targets: 3000, perplexity: Math.exp(found.loss) });
    losses.push(found.loss);
    let sum = 0;
    let correct = 0;
    for (let i = 0; i < 100; i++) {
      const { ids, targets } = held.example(i) as Example;
      targets.forEach((target, position) => {
        const all = ngram.predict(ids, position, new Float64Array(vocabSize));
        sum -= Math.log(all[target]!);
        if (all.indexOf(Math.max(...all)) === target) correct++;
      });
    }
    expect(found.loss).toBeCloseTo(sum / 3000, 10);
    expect(found.accuracy).toBeCloseTo(correct / 3000, 10);
  }
  // The next letter is the sum with the chance 4/5 + 1/20, else one of three; one letter alone says nothing.
  const entropy = -0.85 * Math.log(0.85) - 0.15 * Math.log(0.05);
  const [one, two, three] = losses as [number, number, number];
  expect(Math.abs(one - Math.log(4))).toBeLessThan(0.01);
  expect(Math.abs(two - Math.log(4))).toBeLessThan(0.01);
  expect(Math.abs(three - (29 * entropy + Math.log(4)) / 30)).toBeLessThan(0.03); // the first letters are free
});

test("positions that do not count are not counted", () => {
  const [all, masked] = [new Ngram(vocabSize, 3), new Ngram(vocabSize, 3)];
  const ids = Int32Array.of(0, 1, 2, 3);
  all.add({ ids: ids.subarray(0, 2), targets: Int32Array.of(1, 2) });
  masked.add({ ids, targets: Int32Array.of(1, 2, ignoreIndex, ignoreIndex) });
  const at = (ngram: Ngram) =>
    [0, 1, 2, 3].map((i) => [...ngram.predict(ids, i, new Float64Array(vocabSize))]);
  expect(at(masked)).toEqual(at(all));
});

test("the table keeps every pair through its growing", () => {
  const table = new CountTable(257);
  const pairs = Array.from({ length: 5_000 }, (_, i) => [(i * 7919) % 2 ** 31, i % 257, i + 1] as const);
  for (const [row, symbol, value] of pairs) {
    expect(table.get(row, symbol)).toBe(0);
    table.set(row, symbol, value);
  }
  for (const [row, symbol, value] of pairs) expect(table.get(row, symbol)).toBe(value);
  expect(table.size).toBe(5_000);
  expect([...table.entries()].sort((a, b) => a[2] - b[2])).toEqual(pairs);
});

test("bad orders, sources that do not end, and vocabularies that do not fit are refused", async () => {
  expect(() => new Ngram(4, 0)).toThrow("n-gram: order must be a whole number from 1 to 16, got 0");
  const endless = { ...source(1), count: undefined };
  await expect(trainNgram(endless)).rejects.toThrow("examples must be a whole number >= 1, got none");
  await expect(trainNgram(source(3), { examples: 4 })).rejects.toThrow(
    "has 3 examples from 0 on, 4 were asked for",
  );
  const small = await trainNgram({
    ...source(3),
    vocabSize: 3,
    example: () => ({ ids: Int32Array.of(0), targets: Int32Array.of(1) }),
  });
  await expect(evaluateNgram(small, source(3))).rejects.toThrow("has a vocabulary of 4, the model of 3");
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  await expect(trainNgram(source(3), { signal: controller.signal })).rejects.toThrow("enough");
});
