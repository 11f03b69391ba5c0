import type { Tensor } from "../tensor.ts";

/** One gradient for each differentiable tensor argument that was given, in its shape, float32. */
export type Grads<T> = {
  [K in keyof T as K extends "sequenceIds" ? never : NonNullable<T[K]> extends Tensor ? K : never]: T[K];
};
