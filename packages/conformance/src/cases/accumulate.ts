import { elementCount, type Shape } from "@mamba/kernel";
import { defineTrainingCase, floats, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { accumulate } from "../reference/index.ts";
import { lengths, result, windowed, withValues } from "./shared.ts";

interface Options {
  factor?: number;
  views?: readonly ("target" | "x")[];
  note?: string;
  values?: readonly number[];
}

function build(shape: Shape, options: Options = {}): OpCase {
  const { factor, views = [], note = "", values = [] } = options;
  const label = `[${shape.join(",")}]${factor === undefined ? "" : ` times ${factor}`}${note}`;
  return defineTrainingCase({
    op: "accumulate",
    label,
    sizes: { elements: elementCount(shape), last: shape[shape.length - 1] as number },
    inputs: () => {
      const random = new Random(`accumulate ${label}`);
      const count = elementCount(shape);
      const target = floats(random.normals(count), shape);
      const x = floats(withValues(random.normals(count), values), shape);
      return {
        target: { ...(views.includes("target") ? windowed(target) : target), inPlace: true as const },
        x: views.includes("x") ? windowed(x, 1, 5) : x,
      };
    },
    run: (kernel, t) => {
      kernel.accumulate(t.target, t.x, factor);
      return {};
    },
    reference: (v) => ({ target: result(shape, accumulate(v.target, v.x, factor)) }),
  });
}

export const accumulateCases = [
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
];
