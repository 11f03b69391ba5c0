import { formats, type QuantizedDType } from "../dtype.ts";
import { codecs } from "./codecs.ts";

/** Returns the index of the first block with a scale or minimum that is infinite or NaN, or -1. Such blocks are in no sound file. */
export function checkBlocks(blocks: Uint8Array, dtype: QuantizedDType): number {
  const { blockBytes } = formats[dtype];
  const { scales } = codecs[dtype];
  const [first = 0, second = first] = scales;
  for (let at = 0, block = 0; at < blocks.length; at += blockBytes, block++) {
    // The exponent of f16 is in the upper of its two bytes, and all ones for infinities and NaN.
    if ((blocks[at + first + 1]! & 0x7c) === 0x7c || (blocks[at + second + 1]! & 0x7c) === 0x7c) return block;
  }
  return -1;
}
