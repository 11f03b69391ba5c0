import type { Shape, Tensor } from "@mamba/kernel";
import type { CaseInput, Expected } from "../case.ts";

/** Lengths that break every blocking: around powers of two, and odd. */
export const lengths = [1, 3, 5, 17, 33, 129, 513, 2049];

/** A column view of `input`, off any alignment. */
export function windowed(input: CaseInput, before = 3, after = 2): CaseInput {
  return { ...input, window: { before, after } };
}

export function result(shape: Shape, data: Float64Array | Int32Array): Expected {
  return { shape, data };
}

/** Puts special values over the first elements of random data. */
export function withValues(data: Float32Array, values: readonly number[]): Float32Array {
  data.set(values.slice(0, data.length));
  return data;
}

/** The gradients that came back, under the argument's name after `d_`. */
export function gradients(grads: Readonly<Record<string, Tensor | undefined>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(grads).flatMap(([name, tensor]) => (tensor ? [[`d_${name}`, tensor]] : [])),
  );
}
