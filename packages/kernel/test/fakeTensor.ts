import type { DType, Shape, Tensor } from "../src/index.ts";

/** A tensor handle without memory: enough for the argument checks. */
export function fakeTensor(
  shape: Shape,
  { dtype = "f32", rowStride = shape.at(-1) ?? 0, disposed = false }: Partial<Omit<Tensor, "shape">> = {},
): Tensor & { dtype: DType } {
  const dispose = () => undefined;
  return { shape, dtype, rowStride, disposed, version: 0, dispose, [Symbol.dispose]: dispose };
}
