import { defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, lengths, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineTrainingOp, f32, L } from "../opSuite.ts";
import { Random } from "../random.ts";

/** The sum over all rows of dy [rows, D] */
function reference(rows: number, features: number, dy: Values): Float64Array {
  const sum = new Float64Array(features);
  for (let r = 0; r < rows; r++) {
    for (let d = 0; d < features; d++) sum[d]! += dy[r * features + d]!;
  }
  return sum;
}

interface Options {
  view?: boolean;
  leading?: readonly number[];
  note?: string;
  /** Changes dy after it was drawn. */
  edit?: (dy: Float32Array) => void;
}

function build(rows: number, D: number, options: Options = {}): OpCase {
  const { view = false, leading = [rows], note = "", edit } = options;
  const label = `rows ${rows} D${D}${view ? " of a view" : ""}${note}`;
  return defineTrainingCase({
    op: "sumRows",
    label,
    sizes: { rows, D },
    cost: { flops: rows * D, bytes: bytesOf((rows + 1) * D) },
    inputs: () => {
      const dy = new Random(`sumRows ${label}`).normals(rows * D);
      edit?.(dy);
      const input = floats(dy, [...leading, D]);
      return { dy: view ? asView(input) : input };
    },
    run: (kernel, t) => ({ dBias: kernel.sumRows(t.dy) }),
    reference: (v) => ({ dBias: result([D], reference(rows, D, v.dy)) }),
  });
}

export const sumRows = defineTrainingOp("sumRows", {
  reference,
  cases: [
    ...lengths.map((rows, i) => build(rows, cycled([5, 1, 33, 17], i))),
    build(3, 513),
    build(2, 2049),
    build(300, 64),
    build(3000, 33, { note: ", work for several threads" }),
    build(30, 33, { leading: [2, 3, 5], note: ", four axes" }),
    build(7, 20, { view: true }),
    build(9, 1, { view: true }),
    build(6, 9, {
      note: ", NaN and infinity in one column each",
      edit: (dy) => {
        withValues(dy, [1, NaN, 2, Infinity]);
      },
    }),
  ],
  minimal: { args: { dy: f32(B, L, D) }, anyAxes: ["dy"], call: (k, t) => [k.sumRows(t.dy)] },
});
