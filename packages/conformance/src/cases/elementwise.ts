import {
  elementCount,
  type InferenceOps,
  type Kernel,
  type Shape,
  type Tensor,
  type TrainingKernel,
  type TrainingOps,
} from "@mamba/kernel";
import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import type { Values } from "../math.ts";
import { manyRows, type Rows } from "../opSuite.ts";
import { Random } from "../random.ts";
import { asView, bytesOf, elementSizes, lengths, result, withValues } from "./inputs.ts";

// The cases that all ops of one or two tensors of equal shape have.

/** An op on one tensor. */
export interface Unary {
  op: keyof InferenceOps;
  run: (kernel: Kernel, x: Tensor) => Tensor;
  reference: (x: Values) => Float64Array;
  /** Operations per element: see `Cost.flops`. */
  flops: number;
  /** Draws the values of an argument. Default: from N(0, 9). */
  draw?: (random: Random, count: number) => Float32Array;
}

/** An op on two tensors of one shape, or with a second one that is repeated. */
export interface Binary {
  op: keyof InferenceOps;
  run: (kernel: Kernel, a: Tensor, b: Tensor) => Tensor;
  reference: (a: Values, b: Values) => Float64Array;
  flops: number;
}

const shapes: Shape[] = [...lengths.map((n) => [n]), [2, 3, 5], [4, 33], [2, 7, 1]];

/** Values that must pass through arithmetic unchanged: signed zeros, subnormals, NaN and infinities. */
const special = [NaN, Infinity, -0, 0, 1e-40, -1e-40, 88, -88, 100, -104, 1000, -1000];

export function binaryCase(
  { op, run, reference, flops }: Binary,
  label: string,
  shape: Shape,
  views: readonly ("a" | "b")[],
  values: readonly number[] = [],
  divisors: readonly number[] = [],
): OpCase {
  const count = elementCount(shape);
  return defineCase({
    op,
    label,
    sizes: elementSizes(shape),
    cost: { flops: flops * count, bytes: bytesOf(3 * count) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const a = floats(withValues(random.normals(count), values), shape);
      const b = floats(withValues(random.normals(count), divisors), shape);
      return { a: views.includes("a") ? asView(a) : a, b: views.includes("b") ? asView(b, 1, 5) : b };
    },
    run: (kernel, t) => ({ y: run(kernel, t.a, t.b) }),
    reference: (v) => ({ y: result(shape, reference(v.a, v.b)) }),
  });
}

export function binaryCases(definition: Binary): OpCase[] {
  const build = (...rest: [string, Shape, readonly ("a" | "b")[], number[]?]) =>
    binaryCase(definition, ...rest);
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

/** The rows of an op of two tensors, for the laws of equal bits. */
export function binaryRows(definition: Binary): Rows {
  const shape = [manyRows, 517];
  const many = [binaryCase(definition, "[33,517], many rows", shape, [])];
  return { arguments: ["a", "b"], many };
}

function unaryCase(
  { op, run, reference, flops, draw = (random, count) => random.normals(count, 3) }: Unary,
  label: string,
  shape: Shape,
  view: boolean,
  values: readonly number[] = [],
): OpCase {
  const count = elementCount(shape);
  return defineCase({
    op,
    label,
    sizes: elementSizes(shape),
    cost: { flops: flops * count, bytes: bytesOf(2 * count) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const x = floats(withValues(draw(random, count), values), shape);
      return { x: view ? asView(x) : x };
    },
    run: (kernel, t) => ({ y: run(kernel, t.x) }),
    reference: (v) => ({ y: result(shape, reference(v.x)) }),
  });
}

/** The rows of an op of one tensor, for the laws of equal bits. */
export function unaryRows(definition: Unary): Rows {
  return {
    arguments: ["x"],
    many: [unaryCase(definition, "[33,517], many rows", [manyRows, 517], false)],
  };
}

export function unaryCases(definition: Unary): OpCase[] {
  const build = (...rest: [string, Shape, boolean, number[]?]) => unaryCase(definition, ...rest);
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

/** Inputs near the centre of an S-shaped function, on its slopes and where it is flat, and the values that are not finite. */
export const sShapeValues = [
  ...[0, -0, NaN, Infinity, -Infinity, 1e-8, -1e-8, 1e-3, -1e-3],
  ...[0.3, -0.3, 9, -9, 88, -88, 1000, -1000],
];

/** Fewer cases of an op of one tensor; `values` are the special ones of the last case. */
export function fewUnaryCases(definition: Unary, values: readonly number[]): OpCase[] {
  return [
    unaryCase(definition, "[3,43]", [3, 43], false),
    unaryCase(definition, "[3,1] of a view of one column", [3, 1], true),
    unaryCase(definition, "[3,1671] of a view, longer than a chunk", [3, 1671], true),
    unaryCase(definition, "[33] of special values", [33], false, values),
  ];
}

/** Cases of an op whose second tensor is repeated over the leading axes of the first. */
export function broadcastCases({ op, run, reference, flops }: Binary): OpCase[] {
  const build = (shape: Shape, operand: Shape, view = false): OpCase => {
    const [count, period] = [elementCount(shape), elementCount(operand)];
    const label = `[${shape.join(",")}]${view ? " of a view" : ""} and [${operand.join(",")}]`;
    return defineCase({
      op,
      label,
      sizes: elementSizes(shape),
      cost: { flops: flops * count, bytes: bytesOf(2 * count + period) },
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const a = floats(random.normals(count), shape);
        return { a: view ? asView(a) : a, b: floats(random.normals(period), operand) };
      },
      run: (kernel, t) => ({ y: run(kernel, t.a, t.b) }),
      reference: (v) => ({ y: result(shape, reference(v.a, v.b)) }),
    });
  };
  return [
    build([2, 3, 5], [5]),
    build([4, 3, 7], [3, 7], true),
    build([1, 2, 9], [2, 9], true),
    build([67, 1], [1]),
    build([2001, 3], [3]),
    build([37, 131], [131], true),
  ];
}

/** Fewer cases of an op of two tensors. `values` and `divisors` are the special ones of the last case. */
export function fewBinaryCases(
  definition: Binary,
  values: readonly number[],
  divisors: readonly number[],
): OpCase[] {
  return [
    binaryCase(definition, "[3,43]", [3, 43], []),
    binaryCase(definition, "[4,33] of a dense tensor and a view", [4, 33], ["b"]),
    binaryCase(definition, "[3,1671] of two views, longer than a chunk", [3, 1671], ["a", "b"]),
    binaryCase(definition, "[29] of special values", [29], [], values, divisors),
    ...broadcastCases(definition),
  ];
}

/** The backward of an op of one tensor, from the gradient `dy` and the argument or the result of the forward. */
export interface Backward {
  op: keyof TrainingOps;
  run: (kernel: TrainingKernel, dy: Tensor, other: Tensor) => Tensor;
  /** For a last axis of this many features. */
  reference: (dy: Values, other: Values, features: number) => Float64Array;
  flops: number;
  /** Draws the argument or the result. */
  draw: (random: Random, count: number) => Float32Array;
}

export function backwardCases(
  { op, run, reference, flops, draw }: Backward,
  values: readonly number[],
): OpCase[] {
  const build = (
    shape: Shape,
    note: string,
    views: readonly ("dy" | "other")[],
    special: readonly number[],
  ) => {
    const label = `[${shape.join(",")}]${note}`;
    const count = elementCount(shape);
    return defineTrainingCase({
      op,
      label,
      sizes: elementSizes(shape),
      cost: { flops: flops * count, bytes: bytesOf(3 * count) },
      inputs: () => {
        const random = new Random(`${op} ${label}`);
        const dy = floats(random.normals(count), shape);
        const other = floats(withValues(draw(random, count), special), shape);
        const place = (input: CaseInput, name: "dy" | "other") =>
          views.includes(name) ? asView(input, name === "dy" ? 1 : 3) : input;
        return { dy: place(dy, "dy"), other: place(other, "other") };
      },
      run: (kernel, t) => ({ dx: run(kernel, t.dy, t.other) }),
      reference: (v) => ({ dx: result(shape, reference(v.dy, v.other, shape.at(-1) ?? 1)) }),
    });
  };
  return [
    build([3, 43], "", [], []),
    build([5, 1], " of a view of one column", ["dy"], []),
    build([3, 1671], " of two views, longer than a chunk", ["dy", "other"], []),
    build([1, 29], " of special values", [], values),
  ];
}
