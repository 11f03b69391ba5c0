import { elementCount, type Shape } from "@mamba/kernel";
import { defineCase, floats, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { add, mul, negExp, scale, silu } from "../reference/index.ts";
import type { Values } from "../reference/math.ts";
import { lengths, result, windowed, withValues } from "./shared.ts";

const shapes: Shape[] = [...lengths.map((n) => [n]), [2, 3, 5], [4, 33], [2, 7, 1]];
const sizesOf = (shape: Shape) => ({
  elements: elementCount(shape),
  last: shape[shape.length - 1] as number,
});

/** What must pass through arithmetic unharmed: signed zeros are covered by the values, the rest by IEEE 754. */
const special = [NaN, Infinity, -0, 0, 1e-40, -1e-40, 88, -88, 100, -104, 1000, -1000];

function binary(op: "add" | "mul", reference: (a: Values, b: Values) => Float64Array): OpCase[] {
  const build = (
    label: string,
    shape: Shape,
    views: readonly ("a" | "b")[],
    values: readonly number[] = [],
  ) =>
    defineCase({
      op,
      label,
      sizes: sizesOf(shape),
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const count = elementCount(shape);
        const a = floats(withValues(random.normals(count), values), shape);
        const b = floats(random.normals(count), shape);
        return { a: views.includes("a") ? windowed(a) : a, b: views.includes("b") ? windowed(b, 1, 5) : b };
      },
      run: (kernel, t) => ({ y: kernel[op](t.a, t.b) }),
      reference: (v) => ({ y: result(shape, reference(v.a, v.b)) }),
    });
  return [
    ...shapes.map((shape) => build(`[${shape.join(",")}]`, shape, [])),
    build("[4,33] of two views", [4, 33], ["a", "b"]),
    build("[2,3,17] of a view and a dense tensor", [2, 3, 17], ["a"]),
    build("[5,1] of a dense tensor and a view of one column", [5, 1], ["b"]),
    build("[2,10007], work for several threads", [2, 10_007], []),
    build("[300,67] of two views, work for several threads", [300, 67], ["a", "b"]),
    build("[29] with NaN, infinities, zeros and subnormals", [29], [], special),
  ];
}

function unary(
  op: "silu" | "negExp" | "scale",
  run: { values: (x: Values) => Float64Array; factor: number },
): OpCase[] {
  const build = (label: string, shape: Shape, view: boolean, values: readonly number[] = []) =>
    defineCase({
      op,
      label,
      sizes: sizesOf(shape),
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const x = floats(withValues(random.normals(elementCount(shape), 3), values), shape);
        return { x: view ? windowed(x) : x };
      },
      run: (kernel, t) => ({ y: op === "scale" ? kernel.scale(t.x, run.factor) : kernel[op](t.x) }),
      reference: (v) => ({ y: result(shape, run.values(v.x)) }),
    });
  return [
    ...shapes.map((shape) => build(`[${shape.join(",")}]`, shape, false)),
    build("[4,33] of a view", [4, 33], true),
    build("[3,1] of a view of one column", [3, 1], true),
    build("[2,10007], work for several threads", [2, 10_007], false),
    build("[300,67] of a view, work for several threads", [300, 67], true),
    build("[8] around zero", [8], false, [0, -0, 1e-8, -1e-8, 1e-3, -1e-3, 1e-20, -1e-20]),
    build("[31] with NaN in one place", [31], false, [0.5, NaN, 1, -1]),
    build("[21] far from zero", [21], false, [20, -20, 40, -40, 80, -80, 87, -87, -104, -1000, Infinity]),
  ];
}

const factor = Math.fround(-1.7);

export const addCases = binary("add", add);
export const mulCases = binary("mul", mul);
export const scaleCases = unary("scale", { values: (x) => scale(x, factor), factor });
export const siluCases = unary("silu", { values: silu, factor });
export const negExpCases = unary("negExp", { values: negExp, factor });
