import { defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { embeddingBackward } from "../reference/index.ts";
import { result, windowed, withValues } from "./shared.ts";

interface Options {
  note?: string;
  ids?: readonly number[];
  view?: boolean;
  /** Over the first elements of dy. */
  values?: readonly number[];
}

function build(V: number, D: number, shape: readonly number[], options: Options = {}): OpCase {
  const { note = "", ids, view = false, values = [] } = options;
  const label = `V${V} D${D} ids [${shape.join(",")}]${view ? " of a view" : ""}${note}`;
  const count = shape.reduce((a, b) => a * b);
  return defineTrainingCase({
    op: "embeddingBackward",
    label,
    sizes: { V, D, ids: count },
    inputs: () => {
      const random = new Random(`embeddingBackward ${label}`);
      const dy = floats(withValues(random.normals(count * D), values), [...shape, D]);
      return {
        dy: view ? windowed(dy) : dy,
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape),
      };
    },
    run: (kernel, t) => ({ dWeight: kernel.embeddingBackward(t.dy, t.ids, V) }),
    reference: (v) => ({ dWeight: result([V, D], embeddingBackward(V, D, v.dy, v.ids)) }),
  });
}

export const embeddingBackwardCases = [
  build(1, 1, [1]),
  build(7, 3, [5]),
  build(33, 17, [2, 9]),
  build(11, 64, [2, 3, 4]),
  build(256, 9, [3, 129], { note: ", many more ids than a row takes" }),
  build(3, 33, [200], { note: ", each row many times" }),
  build(1000, 5, [7], { note: ", most rows untouched" }),
  build(7, 301, [40], { note: ", wide rows" }),
  build(9, 20, [11], { view: true }),
  build(5, 7, [6], { ids: [2, 2, 2, 2, 2, 2], note: ", one row again and again" }),
  build(5, 9, [6], { ids: [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4], note: ", ids out of range are clamped" }),
  build(5, 3, [4], { ids: [1, 3, 1, 0], values: [NaN, 1, Infinity], note: ", NaN and infinity in one row" }),
];
