import type { FloatDType, HostArray } from "./dtype.ts";

// Conversions between float32 and the two 16-bit formats, IEEE 754 round-to-nearest-even, exact for every input
// (subnormals, infinities; a NaN stays a quiet NaN).

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return word[0] as number;
}

function fromBits(bits: number): number {
  word[0] = bits;
  return float[0] as number;
}

/** float32 -> bfloat16 bits: the upper half, rounded. */
export function toBf16(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** bfloat16 bits -> float32. */
export function fromBf16(bits: number): number {
  return fromBits(bits << 16);
}

/** float32 -> binary16 bits. Magnitudes above 65504 + half a unit become infinity. */
export function toF16(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 neighbours are 2^-24 apart, like floats near 0.5: adding 0.5 rounds in hardware.
  if (magnitude < 0x38800000) return sign | (bitsOf(fromBits(magnitude) + 0.5) - 0x3f000000);
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** binary16 bits -> float32. */
export function fromF16(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return (sign ? -1 : 1) * mantissa * 2 ** -24;
  if (exponent === 31) return fromBits(sign | 0x7f800000 | (mantissa << 13));
  return fromBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

/** Converts stored values to float32, exactly. `f32` input is returned itself, not a copy. */
export function toFloat32(data: HostArray, dtype: FloatDType): Float32Array {
  if (dtype === "f32") return data as Float32Array;
  const widen = dtype === "f16" ? fromF16 : fromBf16;
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = widen(data[i] as number);
  return out;
}

/** Rounds float32 values to a storage type. For `f32` the input itself is returned, not a copy. */
export function fromFloat32(data: Float32Array, dtype: FloatDType): Float32Array | Uint16Array {
  if (dtype === "f32") return data;
  const narrow = dtype === "f16" ? toF16 : toBf16;
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = narrow(data[i] as number);
  return out;
}
