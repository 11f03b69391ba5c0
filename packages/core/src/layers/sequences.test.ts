import { expect, test } from "vitest";
import { type Range, Sequences } from "./sequences.ts";

const code = (make: () => unknown) => {
  try {
    make();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("nothing was thrown");
};

/** Checks for an `INPUT` error with these texts. */
function refused(make: () => unknown, ...texts: readonly string[]): void {
  const error = code(make);
  expect(error.code).toBe("INPUT");
  for (const text of texts) expect(error.message).toContain(text);
}

test("several sequences in a row, padding around and within them", () => {
  const sequences = Sequences.fromIds([
    [9, 9, -1, 9, 4, -1, 7, 7],
    [-1, -1, -1, -1, -1, -1, -1, -1],
    [-1, 0, 1, 1, 1, 1, 1, -1],
  ]);
  expect(sequences).toMatchObject({ batch: 3, length: 8, count: 5 });
  expect(Array.from(sequences.ids)).toEqual([
    ...[0, 0, -1, 0, 1, -1, 2, 2],
    ...[-1, -1, -1, -1, -1, -1, -1, -1],
    ...[-1, 3, 4, 4, 4, 4, 4, -1],
  ]);
  expect(Array.from(sequences.positions)).toEqual([
    ...[0, 1, -1, 2, 0, -1, 0, 1],
    ...[-1, -1, -1, -1, -1, -1, -1, -1],
    ...[-1, 0, 0, 1, 2, 3, 4, -1],
  ]);
  expect(sequences.lastPositions).toEqual([3, 4, 7, 17, 22]);
  expect(sequences.lastOfRows).toEqual([7, undefined, 22]);
  expect(Array.from(sequences.ranges)).toEqual([0, 4, 4, 5, 6, 8, 17, 18, 18, 23]);
});

test("the reversed form has each row from its end", () => {
  const sequences = Sequences.fromIds([
    [0, 0, 0, 1, -1],
    [2, 3, 3, -1, 3],
  ]);
  const { reversed } = sequences;
  expect(Array.from(reversed.ids)).toEqual([-1, 0, 1, 1, 1, 2, -1, 2, 2, 3]);
  expect(Array.from(reversed.positions)).toEqual([-1, 0, 0, 1, 2, 0, -1, 1, 2, 0]);
  expect(reversed.lastPositions).toEqual([1, 4, 8, 9]);
  expect(reversed.reversed).toBe(sequences);
  expect(sequences.reversed).toBe(reversed);
});

test("masks and ranges give one sequence for each row", () => {
  const mask = [
    [0, 0, 1, 1],
    [1, 1, 1, 0],
    [1, 0, 1, 1],
    [0, 0, 0, 0],
  ];
  const byMask = Sequences.fromMask(mask);
  expect(Array.from(byMask.ids)).toEqual([
    ...[-1, -1, 0, 0],
    ...[1, 1, 1, -1],
    ...[2, -1, 2, 2],
    ...[-1, -1, -1, -1],
  ]);
  const ranges: Range[] = [
    [2, 4],
    [0, 3],
    [0, 4],
    [1, 1],
  ];
  const byRanges = Sequences.fromRanges(ranges, 4);
  expect(Array.from(byRanges.ids)).toEqual([
    ...[-1, -1, 0, 0],
    ...[1, 1, 1, -1],
    ...[2, 2, 2, 2],
    ...[-1, -1, -1, -1],
  ]);
  expect(byRanges.lastOfRows).toEqual([3, 6, 11, undefined]);
});

test("lengths pack sequences from the start of each row", () => {
  const longest = Sequences.fromLengths([[2, 1, 2], [3], []]);
  expect(longest.length).toBe(5);
  expect(Array.from(longest.ids)).toEqual([0, 0, 1, 2, 2, 3, 3, 3, -1, -1, -1, -1, -1, -1, -1]);
  const wider = Sequences.fromLengths([[1, 1]], 3);
  expect(Array.from(wider.ids)).toEqual([0, 1, -1]);
});

test("ids that are not sequences are refused by row and position", () => {
  const text = "row 1, position 2: sequence 5 goes on after sequence 6";
  refused(
    () =>
      Sequences.fromIds([
        [0, 0, 0],
        [5, 6, 5],
      ]),
    text,
  );
  refused(() => Sequences.fromIds([[0, 1.5]]), "row 0, position 1", "1.5");
  refused(() => Sequences.fromIds([[0, -2]]), "row 0, position 1", "-2");
  refused(() => Sequences.fromIds([[2 ** 31, 0]]), "row 0, position 0", "2147483648");
  refused(() => Sequences.fromIds([[NaN]]), "row 0, position 0", "NaN");
  refused(() => Sequences.fromIds([[0, 0], [0]]), "row 1: 2 positions were expected, as in row 0, got 1");
  refused(() => Sequences.fromIds([]), "at least one row");
  refused(() => Sequences.fromIds([[]]), "at least one position");
});

test.each([[2], [-1], [0.5], [NaN]])("a mask value %d is refused by row and position", (value) => {
  refused(
    () => Sequences.fromMask([[1, 0, value]]),
    `mask: row 0, position 2: 0 or 1 was expected, got ${value}`,
  );
});

test.each([[[0, 4]], [[2, 1]], [[-1, 1]], [[0, 1.5]]] as [Range][])(
  "the range %j of 3 is refused",
  (range) => {
    refused(
      () => Sequences.fromRanges([[0, 3], range], 3),
      "ranges: row 1",
      `got [${range[0]}, ${range[1]})`,
    );
  },
);

test("lengths that are not whole numbers or too many are refused by row", () => {
  refused(() => Sequences.fromLengths([[1], [2, 0]]), "lengths: row 1, sequence 1", "got 0");
  refused(() => Sequences.fromLengths([[1.5]]), "lengths: row 0, sequence 0", "got 1.5");
  refused(() => Sequences.fromLengths([[1], [2, 3]], 4), "lengths: row 1: at most 4 positions", "got 5");
  refused(() => Sequences.fromLengths([]), "at least one row");
  refused(() => Sequences.fromLengths([[1]], 0), "got 0");
});

test("sequences of another input are refused", () => {
  const sequences = Sequences.fromLengths([[2], [1]]);
  expect(() => {
    sequences.checkFits(2, 2);
  }).not.toThrow();
  refused(() => {
    sequences.checkFits(1, 2);
  }, "sequences are of an input [2, 2], the input is [1, 2]");
  refused(() => {
    sequences.checkFits(2, 3);
  }, "[2, 3]");
});
