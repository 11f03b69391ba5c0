import type { DType, Shape, Tensor } from "../src/index.ts";

/** A tensor handle without memory: enough for the argument checks. */
export function fakeTensor(
  shape: Shape,
  { dtype = "f32", rowStride = shape.at(-1) ?? 0, disposed = false }: Partial<Omit<Tensor, "shape">> = {},
): Tensor & { dtype: DType } {
  return { shape, dtype, rowStride, disposed, dispose: () => undefined, [Symbol.dispose]: () => undefined };
}
