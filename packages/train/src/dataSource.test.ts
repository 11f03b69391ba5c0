import { expect, test } from "vitest";
import { checkExample, checkSource } from "./dataSource.ts";

test("a source without examples, or with more ids than the model, is refused", () => {
  const refused = (make: () => unknown, message: string) => {
    expect(make).toThrow(expect.objectContaining({ code: "DATA" }));
    expect(make).toThrow(message);
  };
  const example = () => ({ ids: Int32Array.of(1), targets: Int32Array.of(2) });
  const source = { id: "letters", vocabSize: 26, count: 3, example };
  refused(() => checkSource(source, 16), "letters has a vocabulary of 26, the model of 16");
  refused(() => checkSource({ ...source, count: 0 }, 26), "letters has no examples");
  checkSource({ ...source, count: undefined }, 26);
});

test.each([
  [[], [], "counting: example 3 must have one target per id and at least one, got 0 ids"],
  [[1, 2], [1], "got 2 ids and 1 targets"],
  [[1, 32], [1, 1], "counting: example 3, position 1: ids must be whole numbers from 0 to 31, got the id 32"],
  [[-100, 1], [1, 1], "position 0: ids must be whole numbers from 0 to 31, got the id -100"],
  [
    [1, 1],
    [1, 32],
    "position 1: targets must be whole numbers from 0 to 31, or -100 where none counts, got the target 32",
  ],
  [
    [1, 1],
    [-1, 1],
    "position 0: targets must be whole numbers from 0 to 31, or -100 where none counts, got the target -1",
  ],
])("an example with ids %j and targets %j is refused", (ids, targets, message) => {
  const wrong = { ids: Int32Array.from(ids), targets: Int32Array.from(targets) };
  const check = () => checkExample(wrong, 32, "counting: example 3");
  expect(check).toThrow(expect.objectContaining({ code: "DATA" }));
  expect(check).toThrow(message);
});

test("an example with the first and the last id, and positions that do not count, is accepted", () => {
  checkExample({ ids: Int32Array.of(0, 31, 5), targets: Int32Array.of(31, -100, 0) }, 32, "x");
  const fraction = { ids: [1.5] as unknown as Int32Array, targets: Int32Array.of(1) };
  expect(() => checkExample(fraction, 32, "x")).toThrow("got the id 1.5");
});
