/** The 32 fifth bits of a block, element 0 lowest. */
export function readFifthBits(blocks: Uint8Array, at: number): number {
  return blocks[at]! | (blocks[at + 1]! << 8) | (blocks[at + 2]! << 16) | (blocks[at + 3]! << 24);
}

export function writeFifthBits(blocks: Uint8Array, at: number, bits: number): void {
  for (let i = 0; i < 4; i++) blocks[at + i] = bits >>> (8 * i);
}
