import { KernelError } from "./errors.ts";

/** Storage types. Arithmetic and recurrent state are float32 whatever the storage. */
export type DType = "f32" | "f16" | "bf16" | "i32";

/** Storage types that hold real numbers. */
export type FloatDType = Exclude<DType, "i32">;

/** Row-major extents, outermost first. Every extent is at least 1. */
export type Shape = readonly number[];

/** Host side of a tensor: f32 as `Float32Array`, i32 as `Int32Array`, f16 and bf16 as raw bits in `Uint16Array`. */
export type HostArray = Float32Array | Uint16Array | Int32Array;

/**
 * Layout of a storage type: `blockElements` consecutive elements of a row (the last axis) are stored together in
 * `blockBytes` bytes. A block never crosses the end of a row.
 */
export interface Format {
  readonly blockElements: number;
  readonly blockBytes: number;
  /** The array type that holds stored values on the host. */
  readonly hostArray: new (count: number) => HostArray;
}

/** The layout of every storage type. */
export const formats: Readonly<Record<DType, Format>> = {
  f32: { blockElements: 1, blockBytes: 4, hostArray: Float32Array },
  f16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  bf16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  i32: { blockElements: 1, blockBytes: 4, hostArray: Int32Array },
};

/** Product of the extents. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The extent of the last axis. */
export function lastExtent(shape: Shape): number {
  return shape[shape.length - 1] ?? 1;
}

/** Text of a shape for messages: `[2, 5, 768]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Bytes of a dense tensor.
 *
 * @throws KernelError `SHAPE` when the last extent is not a whole number of blocks.
 */
export function byteLength(dtype: DType, shape: Shape): number {
  const columns = lastExtent(shape);
  return (elementCount(shape) / columns) * byteOffset(dtype, columns);
}

/**
 * Bytes that `elements` consecutive elements take, or that lie before the element with this index.
 *
 * @throws KernelError `SHAPE` when `elements` is not a whole number of blocks.
 */
export function byteOffset(dtype: DType, elements: number): number {
  const { blockElements, blockBytes } = formats[dtype];
  if (elements % blockElements !== 0) {
    const found = `got ${elements}`;
    throw new KernelError("SHAPE", `${dtype}: elements must be a multiple of ${blockElements}, ${found}`);
  }
  return (elements / blockElements) * blockBytes;
}

/** An all-zero host array for `count` elements of `dtype`. */
export function hostArray(dtype: DType, count: number): HostArray {
  return new formats[dtype].hostArray(count);
}

/** True when `data` is the array type that holds `dtype` on the host. */
export function isHostArrayOf(data: HostArray, dtype: DType): boolean {
  return data instanceof formats[dtype].hostArray;
}
