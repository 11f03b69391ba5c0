import { KernelError } from "./errors.ts";

/** Storage types that hold one real number per element. */
export type FloatDType = "f32" | "f16" | "bf16";

/** Storage types of ggml that hold real numbers in blocks of a row: small integers and the scales of the block. */
export type QuantizedDType = "q8_0" | "q4_0" | "q4_1" | "q5_0" | "q5_1" | "iq4_nl" | "q4_k" | "q5_k" | "q6_k";

/** Storage types of the weights of `linear` and `embedding`. */
export type WeightDType = FloatDType | QuantizedDType;

/** Storage types. Arithmetic and recurrent state are float32 whatever the storage. */
export type DType = WeightDType | "i32";

/** Row-major extents, outermost first. Every extent is at least 1. */
export type Shape = readonly number[];

/**
 * Host side of a tensor: f32 as `Float32Array`, i32 as `Int32Array`, f16 and bf16 as raw bits in `Uint16Array`, a quantised type
 * as the bytes of its blocks in `Uint8Array`, row after row, as ggml and GGUF files store them.
 */
export type HostArray = Float32Array | Uint16Array | Int32Array | Uint8Array;

/**
 * Layout of a storage type: `blockElements` consecutive elements of a row (the last axis) are stored together in
 * `blockBytes` bytes. A block never crosses the end of a row.
 */
export interface Format {
  readonly blockElements: number;
  readonly blockBytes: number;
  /** The array type that holds stored values on the host. It is made of a number of elements, or views a buffer. */
  readonly hostArray: {
    new (contents: number | ArrayBuffer): HostArray;
    readonly BYTES_PER_ELEMENT: number;
  };
}

/** The layout of every storage type. */
export const formats: Readonly<Record<DType, Format>> = {
  f32: { blockElements: 1, blockBytes: 4, hostArray: Float32Array },
  f16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  bf16: { blockElements: 1, blockBytes: 2, hostArray: Uint16Array },
  i32: { blockElements: 1, blockBytes: 4, hostArray: Int32Array },
  q8_0: { blockElements: 32, blockBytes: 34, hostArray: Uint8Array },
  q4_0: { blockElements: 32, blockBytes: 18, hostArray: Uint8Array },
  q4_1: { blockElements: 32, blockBytes: 20, hostArray: Uint8Array },
  q5_0: { blockElements: 32, blockBytes: 22, hostArray: Uint8Array },
  q5_1: { blockElements: 32, blockBytes: 24, hostArray: Uint8Array },
  iq4_nl: { blockElements: 32, blockBytes: 18, hostArray: Uint8Array },
  q4_k: { blockElements: 256, blockBytes: 144, hostArray: Uint8Array },
  q5_k: { blockElements: 256, blockBytes: 176, hostArray: Uint8Array },
  q6_k: { blockElements: 256, blockBytes: 210, hostArray: Uint8Array },
};

/** True for a quantised storage type. */
export function isQuantized(dtype: DType): dtype is QuantizedDType {
  return formats[dtype].blockElements > 1;
}

/** The quantised storage types. */
export const quantizedTypes: readonly QuantizedDType[] = (Object.keys(formats) as DType[]).filter(
  isQuantized,
);

/** Product of the extents. */
export function elementCount(shape: Shape): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
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

/**
 * Length of the host array that holds `elements` elements: their number, or the bytes of their blocks for a quantised type.
 *
 * @throws KernelError `SHAPE` when `elements` is not a whole number of blocks.
 */
export function hostLength(dtype: DType, elements: number): number {
  return byteOffset(dtype, elements) / formats[dtype].hostArray.BYTES_PER_ELEMENT;
}

/**
 * A host array of zeros for `count` elements of `dtype`. Blocks of zero bytes hold zeros.
 *
 * @throws KernelError `SHAPE` when `count` is not a whole number of blocks.
 */
export function hostArray(dtype: DType, count: number): HostArray {
  return new formats[dtype].hostArray(hostLength(dtype, count));
}

/** True when `data` is the array type that holds `dtype` on the host. */
export function isHostArrayOf(data: HostArray, dtype: DType): boolean {
  return data instanceof formats[dtype].hostArray;
}
