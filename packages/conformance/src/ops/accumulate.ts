import { elementCount, type Shape } from "@mamba/kernel";
import { defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, elementSizes, lengths, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineTrainingOp, f32, L } from "../opSuite.ts";
import { Random } from "../random.ts";

/** target + x * factor: the new content of the target */
function reference(target: Values, x: Values, factor = 1): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = target[i]! + x[i]! * factor;
  return y;
}

interface Options {
  factor?: number;
  views?: readonly ("target" | "x")[];
  note?: string;
  /** Overwrite the first elements of x. */
  values?: readonly number[];
}

function build(shape: Shape, options: Options = {}): OpCase {
  const { factor, views = [], note = "", values = [] } = options;
  const label = `[${shape.join(",")}]${factor === undefined ? "" : ` times ${factor}`}${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "accumulate",
    label,
    sizes: elementSizes(shape),
    cost: { flops: 2 * count, bytes: bytesOf(3 * count) },
    inputs: () => {
      const random = new Random(`accumulate ${label}`);
      const target = floats(random.normals(count), shape);
      const x = floats(withValues(random.normals(count), values), shape);
      return {
        target: { ...(views.includes("target") ? asView(target) : target), inPlace: true as const },
        x: views.includes("x") ? asView(x, 1, 5) : x,
      };
    },
    run: (kernel, t) => {
      kernel.accumulate(t.target, t.x, factor);
      return {};
    },
    reference: (v) => ({ target: result(shape, reference(v.target, v.x, factor)) }),
  });
}

export const accumulate = defineTrainingOp("accumulate", {
  reference,
  cases: [
    ...lengths.map((n, i) => build([n], i % 2 ? { factor: Math.fround(-0.3) } : {})),
    build([2, 3, 5]),
    build([4, 33], { views: ["target"], note: " into a view" }),
    build([4, 33], { views: ["x"], factor: 2.5, note: " of a view" }),
    build([3, 2, 17], { views: ["target", "x"], factor: -1, note: " of a view into a view" }),
    build([5, 1], { views: ["target"], note: " into a view of one column" }),
    build([2, 10_007], { note: ", work for several threads" }),
    build([300, 67], { views: ["target", "x"], note: " of a view into a view, work for several threads" }),
    build([9], { factor: 0, note: ", which changes nothing" }),
    build([29], { values: [NaN, Infinity, -0, 0, 1e-40, -Infinity], note: " with NaN and infinities" }),
    build([6], { factor: 0, values: [NaN, Infinity], note: ": zero times NaN is NaN" }),
  ],
  minimal: {
    args: { target: f32(B, L, D), x: f32(B, L, D) },
    writes: ["target"],
    call: (k, t) => {
      k.accumulate(t.target, t.x);
      return [];
    },
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    const by = (factor: number) => () => {
      kernel.accumulate(x, x, factor);
    };
    return [
      ["factor NaN", by(NaN)],
      ["factor infinite", by(Infinity)],
    ];
  },
});
