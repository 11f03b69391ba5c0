import { type CaseInput, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, lengths, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineTrainingOp, f32, L, N } from "../opSuite.ts";
import { Random } from "../random.ts";

/** [1]: the sum of x² over all elements of all tensors */
function reference(tensors: readonly Values[]): Float64Array {
  let sum = 0;
  for (const x of tensors) for (let i = 0; i < x.length; i++) sum += x[i]! ** 2;
  return Float64Array.of(sum);
}

interface SumOptions {
  note?: string;
  view?: boolean;
  scale?: number;
  /** Overwrite the first elements of the last tensor. */
  values?: readonly number[];
}

function sumCase(counts: readonly number[], options: SumOptions = {}): OpCase {
  const { note = "", view = false, scale = 1, values = [] } = options;
  const label = `[${counts.join(",")}]${note}`;
  const elements = counts.reduce((a, b) => a + b);
  return defineTrainingCase({
    op: "sumOfSquares",
    label,
    sizes: { tensors: counts.length, elements },
    cost: { flops: 2 * elements, bytes: bytesOf(elements + 1) },
    inputs: (): Readonly<Record<string, CaseInput>> => {
      const random = new Random(`sumOfSquares ${label}`);
      return Object.fromEntries(
        counts.map((count, i) => {
          const data = random.normals(count, scale);
          const x = floats(
            i === counts.length - 1 ? withValues(data, values) : data,
            view ? [3, count / 3] : [count],
          );
          return [`x${i}`, view ? asView(x) : x];
        }),
      );
    },
    run: (kernel, t) => ({ sum: kernel.sumOfSquares(Object.values(t)) }),
    reference: (v) => ({ sum: result([1], reference(Object.values(v))) }),
  });
}

export const sumOfSquares = defineTrainingOp("sumOfSquares", {
  reference,
  cases: [
    ...lengths.map((count) => sumCase([count])),
    sumCase([20_000]),
    sumCase([3, 129, 1, 40]),
    sumCase([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]),
    sumCase([15, 99, 3], { view: true, note: " of views" }),
    sumCase([60_000, 6], { view: true, note: " of views, work for several threads" }),
    sumCase([30_001, 7, 50_000], { note: ", work for several threads" }),
    sumCase([513, 2049, 17], { scale: 1e-12, note: ", small gradients" }),
    sumCase([7, 9], { values: [1, NaN], note: ", NaN in one place" }),
    sumCase([7, 9], { values: [1, 2, -Infinity], note: ", infinity in one place" }),
    sumCase([4, 9], { values: [1e20, 3e38], note: ", too large for float32" }),
    sumCase([4, 1], { values: [1e15], note: ", one that outweighs all" }),
  ],
  minimal: {
    args: { x0: f32(B, L, D), x1: f32(N) },
    anyAxes: ["x0", "x1"],
    anyWidth: ["x0", "x1"],
    call: (k, t) => [k.sumOfSquares([t.x0, t.x1])],
  },
  outOfRange: (kernel) => [["no tensors", () => kernel.sumOfSquares([])]],
});
