import { fromF16, toF16 } from "../half.ts";

/** Conversions between float32 and the blocks of one quantised type. All arrays hold whole blocks. */
export interface Codec {
  /** Byte offsets of the f16 scales in a block. */
  readonly scales: readonly number[];
  /** Quantises finite values. */
  readonly quantize: (values: Float32Array, blocks: Uint8Array) => void;
  /** Writes the exact values of the formula, rounded once to float32. */
  readonly dequantize: (blocks: Uint8Array, values: Float32Array) => void;
}

/** The f16 number at a byte offset. */
export function readHalf(blocks: Uint8Array, at: number): number {
  return fromF16(blocks[at]! | (blocks[at + 1]! << 8));
}

/** Writes a number as f16, rounded to the nearest, and returns the rounded number. */
export function writeHalf(blocks: Uint8Array, at: number, value: number): number {
  const bits = toF16(value);
  blocks[at] = bits & 0xff;
  blocks[at + 1] = bits >>> 8;
  return fromF16(bits);
}

/** The element of largest magnitude in [from, from + count), with its sign; the first of equals. */
export function largest(values: Float32Array, from: number, count: number): number {
  let magnitude = 0;
  let found = 0;
  for (let i = from; i < from + count; i++) {
    const value = values[i]!;
    const own = Math.abs(value);
    if (own > magnitude) {
      magnitude = own;
      found = value;
    }
  }
  return found;
}

/** `1 / x` in float32, 0 for 0. */
export function reciprocal(x: number): number {
  return x === 0 ? 0 : Math.fround(1 / x);
}
