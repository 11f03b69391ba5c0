import { describe, expect, it } from "vitest";
import { refuses } from "../../test/refuses.ts";
import { byteLength, formats, quantizedTypes } from "../dtype.ts";
import { fromF16 } from "../half.ts";
import { checkBlocks } from "./checkBlocks.ts";
import { codecs } from "./codecs.ts";
import { dequantize } from "./dequantize.ts";
import { fallbackType } from "./fallbackType.ts";
import { quantize } from "./quantize.ts";

// `packages/conformance/test/quantizeGoldens.test.ts` compares with numpy; here are the properties of every type.

/** Numbers of a normal distribution, from a fixed seed. */
function normals(count: number, deviation = 1): Float32Array {
  let state = 12345;
  const uniform = () => (state = (state * 16807) % 2147483647) / 2147483647;
  return Float32Array.from({ length: count }, () => {
    return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()) * deviation;
  });
}

/** NMSE on normal numbers that a type must stay below, with a fifth of room. */
const errors = {
  q8_0: 3.5e-5,
  q4_0: 9e-3,
  q4_1: 7.5e-3,
  q5_0: 2.2e-3,
  q5_1: 1.8e-3,
  iq4_nl: 7e-3,
  q4_k: 6.2e-3,
  q5_k: 1.6e-3,
  q6_k: 3.8e-4,
} as const;

describe.each(quantizedTypes)("%s", (dtype) => {
  const { blockBytes, blockElements } = formats[dtype];

  it("keeps normal numbers of any deviation to its error, in as many bytes as byteLength says", () => {
    for (const deviation of [1, 100, 0.05]) {
      const values = normals(4096, deviation);
      const blocks = quantize(values, dtype, 512);
      expect(blocks).toHaveLength(byteLength(dtype, [8, 512]));
      const found = dequantize(blocks, dtype);
      const error = found.reduce((sum, value, i) => sum + (value - values[i]!) ** 2, 0);
      expect(error / values.reduce((sum, value) => sum + value ** 2, 0)).toBeLessThan(errors[dtype]);
    }
  });

  it("gives rows the same blocks alone and together", () => {
    const values = normals(1024);
    const together = quantize(values, dtype, 256);
    for (let row = 0; row < 4; row++) {
      const alone = quantize(values.subarray(256 * row, 256 * row + 256), dtype, 256);
      expect(alone).toEqual(together.slice(row * alone.length, (row + 1) * alone.length));
    }
  });

  it("keeps zeros, and one number among zeros, and equal numbers", () => {
    const count = 2 * blockElements;
    expect(dequantize(quantize(new Float32Array(count), dtype, count), dtype).every((x) => x === 0)).toBe(
      true,
    );
    expect(dequantize(new Uint8Array(byteLength(dtype, [count])), dtype).every((x) => x === 0)).toBe(true);
    for (const value of [0.75, -3]) {
      const one = new Float32Array(count);
      one[blockElements + 7] = value;
      dequantize(quantize(one, dtype, count), dtype).forEach((x, i) => {
        expect(Math.abs(x - one[i]!)).toBeLessThanOrEqual(0.04 * Math.abs(value));
      });
      dequantize(quantize(one.fill(value), dtype, count), dtype).forEach((x) => {
        expect(Math.abs(x - value)).toBeLessThanOrEqual(0.04 * Math.abs(value));
      });
    }
  });

  it("refuses numbers that no block holds", () => {
    const values = normals(2 * blockElements);
    for (const bad of [NaN, Infinity, -Infinity]) {
      values[blockElements + 3] = bad;
      refuses("ARGUMENT", ["quantize", `element ${blockElements + 3}`, String(bad)], () =>
        quantize(values, dtype, blockElements),
      );
    }
    values[blockElements + 3] = 3e38;
    refuses("ARGUMENT", [`elements ${blockElements} to ${2 * blockElements}`, "f16"], () =>
      quantize(values, dtype, blockElements),
    );
  });

  it("checkBlocks finds the first block with a scale that is no number", () => {
    const blocks = quantize(normals(4 * blockElements), dtype, blockElements);
    expect(checkBlocks(blocks, dtype)).toBe(-1);
    for (const at of codecs[dtype].scales) {
      for (const [bits, bad] of [
        [0x7c00, true],
        [0xfe01, true],
        [0x7bff, false],
      ] as const) {
        const copy = blocks.slice();
        copy[2 * blockBytes + at] = bits & 0xff;
        copy[2 * blockBytes + at + 1] = bits >> 8;
        expect(Number.isFinite(fromF16(bits))).toBe(!bad);
        expect(checkBlocks(copy, dtype)).toBe(bad ? 2 : -1);
      }
    }
  });

  it("refuses rows and blocks that are not whole", () => {
    refuses("SHAPE", ["quantize", `multiples of ${blockElements}`, `got ${blockElements / 2}`], () =>
      quantize(new Float32Array(blockElements), dtype, blockElements / 2),
    );
    refuses("ARGUMENT", ["whole rows"], () =>
      quantize(new Float32Array(blockElements), dtype, 2 * blockElements),
    );
    refuses("ARGUMENT", ["dequantize", `${blockBytes} bytes`], () => dequantize(new Uint8Array(17), dtype));
    refuses("ARGUMENT", ["to must have"], () =>
      dequantize(new Uint8Array(blockBytes), dtype, new Float32Array(1)),
    );
  });
});

it("fallbackType is that of llama.cpp", () => {
  expect([
    fallbackType("q4_k", 768),
    fallbackType("q4_k", 96),
    fallbackType("q5_k", 160),
    fallbackType("q6_k", 64),
    fallbackType("q6_k", 48),
    fallbackType("q4_0", 64),
    fallbackType("iq4_nl", 48),
  ]).toEqual(["q4_k", "q5_0", "q5_1", "q8_0", "f16", "q4_0", "f16"]);
});
