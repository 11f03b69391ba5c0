import {
  byteOffset,
  type DType,
  elementCount,
  formats,
  isQuantized,
  lastExtent,
  type QuantizedDType,
  type Shape,
} from "@mamba/kernel";

// The blocks of a quantised type have 18 to 210 bytes, and a shader reads words of 32 bits. Each row is therefore stored as four
// planes of whole words, one after another:
//
// - quants: 8-bit integers in order, or the low 4 bits of eight consecutive elements per word: elements 0 to 3 in the low halves of
//   the bytes, elements 4 to 7 in the high halves,
// - high: the fifth bits of 32 elements per word, or the fifth and sixth bits of 16 elements: those of element 4 m + i in byte i,
//   from bit m or 2 m on,
// - fine: 16 bits for 32 elements. K types: the scale and the minimum of 32 elements, or the scales of 16 and 16 elements,
// - coarse: one or two f16 per block. An odd number of single f16 ends with 16 unused bits.

/** The planes of a type. */
export interface Layout {
  /** Bits per element in the quants plane. */
  readonly quants: 4 | 8;
  /** Bits per element in the high plane. */
  readonly high: 0 | 1 | 2;
  /** The content of the fine plane, if there is one: pairs of a scale and a minimum, or scales. */
  readonly fine?: "pairs" | "scales";
  /** Numbers per block in the coarse plane: a scale, or a scale and a minimum. */
  readonly coarse: 1 | 2;
}

export const layouts: Readonly<Record<QuantizedDType, Layout>> = {
  q8_0: { quants: 8, high: 0, coarse: 1 },
  q4_0: { quants: 4, high: 0, coarse: 1 },
  q4_1: { quants: 4, high: 0, coarse: 2 },
  q5_0: { quants: 4, high: 1, coarse: 1 },
  q5_1: { quants: 4, high: 1, coarse: 2 },
  iq4_nl: { quants: 4, high: 0, coarse: 1 },
  q4_k: { quants: 4, high: 0, fine: "pairs", coarse: 2 },
  q5_k: { quants: 4, high: 1, fine: "pairs", coarse: 2 },
  q6_k: { quants: 4, high: 2, fine: "scales", coarse: 1 },
};

/** The first word of each plane in a row, and the words of the row. */
export interface Planes {
  readonly high: number;
  readonly fine: number;
  readonly coarse: number;
  readonly words: number;
}

export function planesOf(dtype: QuantizedDType, columns: number): Planes {
  const layout = layouts[dtype];
  const high = (columns * layout.quants) / 32;
  const fine = high + (columns * layout.high) / 32;
  const coarse = fine + (layout.fine ? columns / 64 : 0);
  const words = coarse + Math.ceil(((columns / formats[dtype].blockElements) * layout.coarse) / 2);
  return { high, fine, coarse, words };
}

/** Bytes of a dense tensor on the device. */
export function storedBytes(dtype: DType, shape: Shape): number {
  return storedOffset({ dtype, rowStride: lastExtent(shape) }, elementCount(shape));
}

/** Bytes on the device that `elements` consecutive elements take, or that lie before the element with this index. */
export function storedOffset(
  { dtype, rowStride }: { readonly dtype: DType; readonly rowStride: number },
  elements: number,
): number {
  if (!isQuantized(dtype)) return byteOffset(dtype, elements);
  return (elements / rowStride) * planesOf(dtype, rowStride).words * 4;
}
