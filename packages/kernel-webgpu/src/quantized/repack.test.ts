import { byteLength, byteOffset, formats, quantizedTypes } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { planesOf, storedBytes } from "./layouts.ts";
import { pack, unpack } from "./repack.ts";
import { quantizedReaders } from "./wgsl.ts";

function randomBytes(count: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

describe.each(quantizedTypes)("%s", (dtype) => {
  const { blockElements } = formats[dtype];

  test.each([1, 2, 3, 7, 48])("planes of rows of %i blocks hold every bit of the blocks", (blocks) => {
    const columns = blocks * blockElements;
    const bytes = randomBytes(3 * byteOffset(dtype, columns));
    const words = new Uint32Array(storedBytes(dtype, [3, columns]) / 4).fill(0xffffffff);
    pack(dtype, columns, new Uint16Array(bytes.buffer), words);
    const found = new Uint8Array(bytes.length);
    unpack(dtype, columns, words, new Uint16Array(found.buffer));
    expect(found).toEqual(bytes);
  });

  test("blocks of zeros are planes of zeros", () => {
    const words = new Uint32Array(planesOf(dtype, blockElements).words).fill(1);
    pack(dtype, blockElements, new Uint16Array(formats[dtype].blockBytes / 2), words);
    expect(words.every((word) => word === 0)).toBe(true);
  });

  test("planes take at most 15 % more bytes than the blocks, and 5 % from 512 elements per row on", () => {
    for (let columns = blockElements; columns <= 8192; columns += blockElements) {
      const ratio = storedBytes(dtype, [5, columns]) / byteLength(dtype, [5, columns]);
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(ratio).toBeLessThanOrEqual(columns < 512 ? 1.15 : 1.05);
    }
  });

  test("a shader reads each word once for eight elements", () => {
    const source = quantizedReaders(dtype);
    const eight = source.slice(source.indexOf("fn eightWeights"), source.indexOf("fn fourWeights"));
    const planes = { q8_0: 3, q4_0: 2, q4_1: 2, q5_0: 3, q5_1: 3, iq4_nl: 2, q4_k: 3, q5_k: 4, q6_k: 4 };
    expect(eight.match(/\bweight\[/g)).toHaveLength(planes[dtype]);
  });
});
