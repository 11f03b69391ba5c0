import { elementCount, type Shape } from "@mamba/kernel";
import { dropoutKeeps } from "@mamba/kernel/author";
import { defineCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, elementSizes, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";
import { Random } from "../random.ts";

/** x[i] / (1 - probability) where element i is kept, else 0 */
function reference(x: Values, probability: number, seed: number): Float64Array {
  return Float64Array.from(x, (value, i) =>
    dropoutKeeps(i, probability, seed) ? value / (1 - probability) : 0,
  );
}

interface Options {
  view?: boolean;
  note?: string;
  /** Overwrite the first elements. */
  values?: readonly number[];
}

function build(shape: Shape, probability: number, seed: number, options: Options = {}): OpCase {
  const { view = false, note = "", values = [] } = options;
  const label = `[${shape.join(",")}] p ${probability} seed ${seed}${view ? " of a view" : ""}${note}`;
  const count = elementCount(shape);
  return defineCase({
    op: "dropout",
    label,
    sizes: elementSizes(shape),
    cost: { flops: count, bytes: bytesOf(2 * count) },
    inputs: () => {
      const x = floats(withValues(new Random(`dropout ${label}`).normals(count), values), shape);
      return { x: view ? asView(x) : x };
    },
    run: (kernel, t) => ({ y: kernel.dropout(t.x, probability, seed) }),
    reference: (v) => ({ y: result(shape, reference(v.x, probability, seed)) }),
  });
}

export const dropout = defineOp("dropout", {
  reference,
  cases: [
    build([3, 43], 0.5, 7),
    build([3, 1671], 0.1, 2 ** 32 - 1, { view: true, note: ", longer than a chunk" }),
    build([4, 33], 0.3, 0x61c88647, { view: true, note: ", a seed that adds up to 0" }),
    build([7, 5], 0, 0, { note: ", nothing dropped" }),
    build([29], 0.7, 1, { values: Array.from({ length: 8 }, () => NaN), note: ", NaN kept and dropped" }),
  ],
  // The place of an element in the tensor decides, so that a row depends on its place in the batch.
  rows: { arguments: ["x"], many: [] },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.dropout(t.x, 0.5, 1)] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return [
      ["probability 1", () => kernel.dropout(x, 1, 0)],
      ["probability negative", () => kernel.dropout(x, -0.1, 0)],
      ["probability NaN", () => kernel.dropout(x, NaN, 0)],
      ["seed 2^32", () => kernel.dropout(x, 0.5, 2 ** 32)],
      ["seed negative", () => kernel.dropout(x, 0.5, -1)],
      ["seed 0.5", () => kernel.dropout(x, 0.5, 0.5)],
    ];
  },
});
