import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBf16, fromF16, fromFloat32, toBf16, toF16, toFloat32 } from "./half.ts";

interface Format {
  name: "f16" | "bf16";
  encode: (value: number) => number;
  decode: (bits: number) => number;
  mantissa: number;
  /** Exponent of the smallest normal number. */
  minExponent: number;
  maxExponent: number;
}

const formats: Format[] = [
  { name: "f16", encode: toF16, decode: fromF16, mantissa: 10, minExponent: -14, maxExponent: 15 },
  { name: "bf16", encode: toBf16, decode: fromBf16, mantissa: 7, minExponent: -126, maxExponent: 127 },
];

const bytes = new DataView(new ArrayBuffer(4));
const floatOf = (bits: number): number => (bytes.setUint32(0, bits), bytes.getFloat32(0));

/** The value of a bit pattern by the definition of the format, in float64. */
function valueOf(bits: number, { mantissa, minExponent, maxExponent }: Format): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits & 0x7fff) >>> mantissa;
  const fraction = (bits & ((1 << mantissa) - 1)) / 2 ** mantissa;
  if (exponent === maxExponent - minExponent + 2) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** minExponent;
  return sign * (1 + fraction) * 2 ** (exponent + minExponent - 1);
}

/** Nearest number of the format, ties to even, in float64: `value` over its spacing is exact there. */
function nearest(value: number, { mantissa, minExponent, maxExponent }: Format): number {
  if (!Number.isFinite(value) || value === 0) return value;
  let exponent = Math.floor(Math.log2(Math.abs(value)));
  if (2 ** exponent > Math.abs(value)) exponent--;
  const spacing = 2 ** (Math.max(exponent, minExponent) - mantissa);
  const units = value / spacing;
  const floor = Math.floor(units);
  const up = units - floor > 0.5 || (units - floor === 0.5 && floor % 2 !== 0);
  const rounded = (up ? floor + 1 : floor) * spacing;
  if (Math.abs(rounded) >= 2 ** (maxExponent + 1)) return Math.sign(value) * Infinity;
  return rounded === 0 ? Math.sign(value) * 0 : rounded;
}

describe.each(formats)("$name", (format) => {
  const { name, encode, decode } = format;

  it("decodes every bit pattern to the value that the format defines", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      if (!Object.is(decode(bits), valueOf(bits, format))) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it("gives every bit pattern back, NaN as a NaN of the same sign", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const back = encode(decode(bits));
      const value = valueOf(bits, format);
      const same = Number.isNaN(value) ? Number.isNaN(valueOf(back, format)) : back === bits;
      if (!same) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it("rounds to nearest, ties to even, between all neighbours", () => {
    const wrong: number[] = [];
    const check = (value: number) => {
      if (!Object.is(decode(encode(value)), nearest(value, format))) wrong.push(value);
    };
    // All midpoints of neighbours are float32 numbers, and so are the numbers just around them.
    for (let bits = 0; bits < 0x7fff; bits++) {
      const [low, high] = [valueOf(bits, format), valueOf(bits + 1, format)];
      if (!Number.isFinite(high)) continue;
      const middle = (low + high) / 2;
      bytes.setFloat32(0, middle);
      const pattern = bytes.getUint32(0);
      const around = [floatOf(pattern - 1), middle, floatOf(pattern + 1)];
      for (const value of around) {
        check(value);
        check(-value);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("rounds any float32 as float64 arithmetic does", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(decode(encode(value))).toBe(nearest(value, format));
      }),
      { numRuns: 5000 },
    );
  });

  it("overflows to infinity from half a unit above the largest number on", () => {
    const { mantissa, maxExponent } = format;
    const largest = (2 - 2 ** -mantissa) * 2 ** maxExponent;
    const limit = (2 - 2 ** -(mantissa + 1)) * 2 ** maxExponent;
    bytes.setFloat32(0, limit);
    const below = floatOf(bytes.getUint32(0) - 1);
    expect([below, limit, -below, -limit].map((value) => decode(encode(value)))).toEqual([
      largest,
      Infinity,
      -largest,
      -Infinity,
    ]);
  });

  it("never turns a NaN into an infinity, whatever its payload", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0x7fffff }), fc.boolean(), (payload, negative) => {
        const value = floatOf(((negative ? 0xff800000 : 0x7f800000) | payload) >>> 0);
        expect(decode(encode(value))).toBeNaN();
      }),
    );
  });

  it("converts arrays element by element", () => {
    const values = Float32Array.of(0, -0, 1, -2.5, 1 / 3, 65504, 1e-7, Infinity, -Infinity, NaN);
    const stored = fromFloat32(values, name);
    expect(stored).toEqual(Uint16Array.from(values, encode));
    expect(toFloat32(stored, name)).toEqual(Float32Array.from(stored as Uint16Array, decode));
  });
});

it("passes f32 through without a copy", () => {
  const values = Float32Array.of(1, 2);
  expect(toFloat32(values, "f32")).toBe(values);
  expect(fromFloat32(values, "f32")).toBe(values);
});
