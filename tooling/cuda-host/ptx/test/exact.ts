// Float arithmetic without rounding, and f32 roundings of it: bigints that count units of 2^-298, which the products of
// two f32 numbers are multiples of.

export type Direction = "rn" | "rz" | "rm" | "rp";

const unit = 298n;

/** The exact value of a finite f32 number, in units of 2^-298. */
export function exactly(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  const exponent = (word >>> 23) & 0xff;
  const magnitude =
    BigInt((word & 0x7fffff) | (exponent === 0 ? 0 : 0x800000)) << BigInt(Math.max(exponent, 1) - 1);
  return (word >>> 31 === 0 ? magnitude : -magnitude) << (unit - 149n);
}

export const exactProduct = (a: number, b: number): bigint => (exactly(a) * exactly(b)) >> unit;

/** The f32 number that an exact one, not zero, is rounded to. */
export function toFloat32(exact: bigint, direction: Direction): number {
  const negative = exact < 0n;
  const magnitude = negative ? -exact : exact;
  // 24 bits are kept, or fewer below the smallest normal number, in steps of 2^-149.
  const shift = BigInt(Math.max(magnitude.toString(2).length - 24, Number(unit - 149n)));
  const kept = magnitude >> shift;
  const rest = magnitude - (kept << shift);
  const half = 1n << (shift - 1n);
  const away =
    direction === "rn"
      ? rest > half || (rest === half && (kept & 1n) === 1n)
      : rest > 0n && (direction === "rm" ? negative : direction === "rp" && !negative);
  const rounded = Number(away ? kept + 1n : kept) * 2 ** (Number(shift) - 200) * 2 ** (200 - Number(unit));
  const largest = 2 ** 128 - 2 ** 104;
  const finite = rounded <= largest ? rounded : direction === "rn" || away ? Infinity : largest;
  return negative ? -finite : finite;
}
