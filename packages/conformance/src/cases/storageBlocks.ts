import { byteLength, formats, type QuantizedDType, type Shape, toF16 } from "@mamba/kernel";
import type { CaseInput } from "../case.ts";
import type { Random } from "../random.ts";

/** Byte offsets of the f16 fields in a block, and the values that give weights of a mean square of about 1. */
const halves: Readonly<Record<QuantizedDType, readonly (readonly [at: number, value: number])[]>> = {
  q8_0: [[0, 1 / 74]],
  q4_0: [[0, 1 / 4.6]],
  q4_1: [
    [0, 1 / 4.6],
    [2, -7.5 / 4.6],
  ],
  q5_0: [[0, 1 / 9.2]],
  q5_1: [
    [0, 1 / 9.2],
    [2, -15.5 / 9.2],
  ],
  iq4_nl: [[0, 1 / 66]],
  q4_k: [
    [0, 1 / 200],
    [2, 7.5 / 200],
  ],
  q5_k: [
    [0, 1 / 400],
    [2, 15.5 / 400],
  ],
  q6_k: [[208, 1 / 1370]],
};

/** Elements of a block. */
export function blockOf(dtype: QuantizedDType): number {
  return formats[dtype].blockElements;
}

function fillHalves(data: Uint8Array, dtype: QuantizedDType, bits: (index: number, value: number) => number) {
  const { blockBytes } = formats[dtype];
  let index = 0;
  for (let at = 0; at < data.length; at += blockBytes) {
    for (const [offset, value] of halves[dtype]) {
      const half = bits(index++, value);
      data[at + offset] = half & 0xff;
      data[at + offset + 1] = half >> 8;
    }
  }
}

/** Blocks of random bits, with scales that give weights of about N(0, 1). */
export function randomBlocks(random: Random, shape: Shape, dtype: QuantizedDType): CaseInput {
  const data = random.bytes(byteLength(dtype, shape));
  fillHalves(data, dtype, (_, value) => toF16(value * random.uniform(0.5, 1.5)));
  return { data, shape, dtype };
}

/** Zero, the smallest and the largest subnormal, the smallest normal, 1, -1, -0 and 100 in f16. */
const extremeHalves = [0, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xbc00, 0x8000, 0x5640];
const extremeBytes = [0x80, 0x7f, 0xff, 0x00];

/** Blocks at the ends of the ranges of all fields: the scales above, and bytes that are all equal, or random. */
export function extremeBlocks(random: Random, shape: Shape, dtype: QuantizedDType): CaseInput {
  const data = random.bytes(byteLength(dtype, shape));
  const { blockBytes } = formats[dtype];
  for (let at = 0, block = 0; at < data.length; at += blockBytes, block++) {
    const byte = extremeBytes[Math.floor(block / 3) % 4];
    if (block % 3 > 0 && byte !== undefined) data.fill(byte, at, at + blockBytes);
  }
  fillHalves(data, dtype, (index) => extremeHalves[(index * 3) % extremeHalves.length] ?? 0);
  return { data, shape, dtype };
}
