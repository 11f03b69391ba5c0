import { byteOffset, type DType, lastExtent, type Shape, type Tensor } from "@mamba/kernel";
import type { CaseInput, Expected } from "../case.ts";

/** Lengths that no tiling divides: around powers of two, and odd. */
export const lengths = [1, 3, 5, 17, 33, 129, 513, 2049];

/** Returns `input` as a column view, which by default starts at no multiple of four numbers. */
export function asView(input: CaseInput, before = 3, after = 2): CaseInput {
  return { ...input, view: { before, after } };
}

export function result(shape: Shape, data: Float64Array | Int32Array): Expected {
  return { shape, data };
}

/** Overwrites the first elements of random data with special values. */
export function withValues(data: Float32Array, values: readonly number[]): Float32Array {
  data.set(values.slice(0, data.length));
  return data;
}

/** Returns the gradients that are present, under the argument's name after `d_`. */
export function gradients(grads: Readonly<Record<string, Tensor | undefined>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(grads).flatMap(([name, tensor]) => (tensor ? [[`d_${name}`, tensor]] : [])),
  );
}

/** The `elements` and the `last` extent of a shape, as a case lists them. */
export function elementSizes(shape: Shape): { elements: number; last: number } {
  return { elements: shape.reduce((a, b) => a * b, 1), last: lastExtent(shape) };
}

/** Bytes of as many numbers, for `Cost.bytes`. */
export function bytesOf(count: number, dtype: DType = "f32"): number {
  return byteOffset(dtype, count);
}

/** Selects the value at `i`, starting again after the last. */
export function cycled<T>(values: readonly [T, ...T[]], i: number): T {
  return values[i % values.length] ?? values[0];
}
