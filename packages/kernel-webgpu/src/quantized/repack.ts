import { formats, type QuantizedDType } from "@mamba/kernel";
import { type Layout, layouts, planesOf } from "./layouts.ts";

// Moves rows between the blocks of ggml and the planes of the device (see layouts.ts), bit for bit in both directions. Every block
// has an even number of bytes: its fields are read as 16-bit words, their places are counted in such words, and a word of 32 bits
// is two of them.

/** The places of the fields in a block. */
interface Fields {
  readonly quants: number;
  /** Words whose low halves of bytes hold consecutive elements. The high halves hold the same number of elements after those. */
  readonly run: number;
  readonly high: number;
  readonly fine: number;
  readonly coarse: number;
}

const fieldsOf: Readonly<Record<QuantizedDType, Fields>> = {
  q8_0: { quants: 1, run: 0, high: 0, fine: 0, coarse: 0 },
  q4_0: { quants: 1, run: 4, high: 0, fine: 0, coarse: 0 },
  q4_1: { quants: 2, run: 4, high: 0, fine: 0, coarse: 0 },
  q5_0: { quants: 3, run: 4, high: 1, fine: 0, coarse: 0 },
  q5_1: { quants: 4, run: 4, high: 2, fine: 0, coarse: 0 },
  iq4_nl: { quants: 1, run: 4, high: 0, fine: 0, coarse: 0 },
  q4_k: { quants: 8, run: 8, high: 0, fine: 2, coarse: 0 },
  q5_k: { quants: 24, run: 8, high: 8, fine: 2, coarse: 0 },
  q6_k: { quants: 0, run: 16, high: 64, fine: 96, coarse: 104 },
};

/** Converts between a field of the block that starts at `block` and its plane: `words` from `at` on. */
type Move = (blocks: Uint16Array, block: number, words: Uint32Array, at: number) => void;

/** Overwrites `words` with the planes of whole rows of blocks. */
export function pack(dtype: QuantizedDType, columns: number, blocks: Uint16Array, words: Uint32Array): void {
  words.fill(0);
  convert(dtype, columns, blocks, words, true);
}

/** Overwrites `blocks` with the blocks of whole rows of planes. */
export function unpack(
  dtype: QuantizedDType,
  columns: number,
  words: Uint32Array,
  blocks: Uint16Array,
): void {
  convert(dtype, columns, blocks, words, false);
}

function convert(
  dtype: QuantizedDType,
  columns: number,
  blocks: Uint16Array,
  words: Uint32Array,
  packing: boolean,
): void {
  const { blockElements, blockBytes } = formats[dtype];
  const layout = layouts[dtype];
  const fields = fieldsOf[dtype];
  const planes = planesOf(dtype, columns);
  const quantWords = (blockElements * layout.quants) / 32;
  const highWords = (blockElements * layout.high) / 32;
  const fineWords = layout.fine ? blockElements / 64 : 0;
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  const moveBytes = packing ? packBytes : unpackBytes;
  const moveNibbles = packing ? packNibbles : unpackNibbles;
  const moveHigh = highMove(layout, blockElements, packing);
  const movePairs = packing ? packPairs : unpackPairs;
  const copy = (block: number, at: number, count: number): void => {
    if (packing) for (let i = 0; i < count; i++) halves[at + i] = blocks[block + i] as number;
    else for (let i = 0; i < count; i++) blocks[block + i] = halves[at + i] as number;
  };
  let block = 0;
  for (let row = 0; row < words.length; row += planes.words) {
    for (let b = 0; b < columns / blockElements; b++) {
      const quantsAt = row + b * quantWords;
      if (layout.quants === 8) moveBytes(blocks, block + fields.quants, words, quantsAt);
      else {
        for (let i = 0; i < quantWords; i += fields.run) {
          moveNibbles(blocks, block + fields.quants + 2 * i, words, quantsAt + i, fields.run);
        }
      }
      moveHigh?.(blocks, block + fields.high, words, row + planes.high + b * highWords);
      const fineAt = row + planes.fine + b * fineWords;
      if (layout.fine === "pairs") movePairs(blocks, block + fields.fine, words, fineAt);
      if (layout.fine === "scales") copy(block + fields.fine, 2 * fineAt, 2 * fineWords);
      copy(block + fields.coarse, 2 * (row + planes.coarse) + b * layout.coarse, layout.coarse);
      block += blockBytes / 2;
    }
  }
}

function wordAt(blocks: Uint16Array, at: number): number {
  return (blocks[at] as number) | ((blocks[at + 1] as number) << 16);
}

function putWord(blocks: Uint16Array, at: number, word: number): void {
  blocks[at] = word;
  blocks[at + 1] = word >>> 16;
}

// q8_0: 32 bytes.

function packBytes(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  for (let i = 0; i < 8; i++) words[at + i] = wordAt(blocks, block + 2 * i);
}

function unpackBytes(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  for (let i = 0; i < 8; i++) putWord(blocks, block + 2 * i, words[at + i] as number);
}

// Two words of a block hold eight consecutive elements in the low halves of their bytes, and eight in the high halves. Each eight
// become one word of the plane.
const low = 0x0f0f0f0f;
const upper = 0xf0f0f0f0;

function packNibbles(blocks: Uint16Array, block: number, words: Uint32Array, at: number, run: number): void {
  for (let i = 0; i < run / 2; i++) {
    const [a, b] = [wordAt(blocks, block + 4 * i), wordAt(blocks, block + 4 * i + 2)];
    words[at + i] = (a & low) | ((b & low) << 4);
    words[at + run / 2 + i] = ((a >>> 4) & low) | (b & upper);
  }
}

function unpackNibbles(
  blocks: Uint16Array,
  block: number,
  words: Uint32Array,
  at: number,
  run: number,
): void {
  for (let i = 0; i < run / 2; i++) {
    const [a, b] = [words[at + i] as number, words[at + run / 2 + i] as number];
    putWord(blocks, block + 4 * i, (a & low) | ((b & low) << 4));
    putWord(blocks, block + 4 * i + 2, ((a >>> 4) & low) | (b & upper));
  }
}

function highMove({ high }: Layout, blockElements: number, packing: boolean): Move | undefined {
  if (high === 0) return undefined;
  if (blockElements === 32) return packing ? packOrdered : unpackOrdered;
  const move = packing ? packFields : unpackFields;
  if (high === 1) return (blocks, block, words, at) => move(blocks, block, words, at, 1);
  return (blocks, block, words, at) => {
    move(blocks, block, words, at, 2);
    move(blocks, block + 16, words, at + 8, 2);
  };
}

// q5_0, q5_1: bit j of a word belongs to element j. The four bits of elements 4 m to 4 m + 3 are spread over four bytes by a
// product, and collected by another one.

function packOrdered(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  const bits = wordAt(blocks, block);
  let word = 0;
  for (let m = 0; m < 8; m++) {
    word |= (Math.imul((bits >>> (4 * m)) & 15, 0x00204081) & 0x01010101) << m;
  }
  words[at] = word;
}

function unpackOrdered(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  const word = words[at] as number;
  let bits = 0;
  for (let m = 0; m < 8; m++) {
    bits |= ((Math.imul((word >>> m) & 0x01010101, 0x01020408) >>> 24) & 15) << (4 * m);
  }
  putWord(blocks, block, bits);
}

// q5_k, q6_k: byte l of 32 has a field of `width` bits for each of the elements l, 32 + l, 64 + l, ….

function packFields(blocks: Uint16Array, block: number, words: Uint32Array, at: number, width: 1 | 2): void {
  const mask = width === 1 ? 0x01010101 : 0x03030303;
  for (let m = 0; m < 8; m++) {
    const bytes = wordAt(blocks, block + 2 * m);
    const [to, shift] = [at + ((m * width) >> 3), (m * width) & 7];
    for (let k = 0; k < 8; k += width)
      words[to + k] = (words[to + k] as number) | (((bytes >>> k) & mask) << shift);
  }
}

function unpackFields(
  blocks: Uint16Array,
  block: number,
  words: Uint32Array,
  at: number,
  width: 1 | 2,
): void {
  const mask = width === 1 ? 0x01010101 : 0x03030303;
  for (let m = 0; m < 8; m++) {
    const [from, shift] = [at + ((m * width) >> 3), (m * width) & 7];
    let bytes = 0;
    for (let k = 0; k < 8; k += width) bytes |= (((words[from + k] as number) >>> shift) & mask) << k;
    putWord(blocks, block + 2 * m, bytes);
  }
}

// K types: twelve bytes hold the scales s and the minima m of eight parts, six bits each. Byte j < 4 holds s_j and the upper two bits
// of s_(j+4), byte j + 4 the same of m, byte j + 8 the lower four bits of s_(j+4) and of m_(j+4). The plane has a byte for each.

function packPairs(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  const [a, b, c] = [wordAt(blocks, block), wordAt(blocks, block + 2), wordAt(blocks, block + 4)];
  for (let j = 0; j < 4; j += 2) {
    let [first, last] = [0, 0];
    for (let i = 0; i < 2; i++) {
      const [shift, to] = [8 * (j + i), 16 * i];
      const [s, m, both] = [(a >>> shift) & 255, (b >>> shift) & 255, (c >>> shift) & 255];
      first |= ((s & 63) | ((m & 63) << 8)) << to;
      last |= ((both & 15) | ((s >>> 6) << 4) | (((both >>> 4) | ((m >>> 6) << 4)) << 8)) << to;
    }
    words[at + j / 2] = first;
    words[at + 2 + j / 2] = last;
  }
}

function unpackPairs(blocks: Uint16Array, block: number, words: Uint32Array, at: number): void {
  let [a, b, c] = [0, 0, 0];
  for (let j = 0; j < 4; j++) {
    const [shift, from] = [8 * j, 16 * (j & 1)];
    const [first, last] = [
      (words[at + (j >> 1)] as number) >>> from,
      (words[at + 2 + (j >> 1)] as number) >>> from,
    ];
    a |= ((first & 63) | (((last >>> 4) & 3) << 6)) << shift;
    b |= (((first >>> 8) & 63) | (((last >>> 12) & 3) << 6)) << shift;
    c |= ((last & 15) | (((last >>> 8) & 15) << 4)) << shift;
  }
  putWord(blocks, block, a);
  putWord(blocks, block + 2, b);
  putWord(blocks, block + 4, c);
}
