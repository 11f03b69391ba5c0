// The order of the fifth bits of 32 codes in layout.ts.

/**
 * Moves bit j = 16 · half + 4 · i + byte of the file to bit 2 · i + half of byte `byte`: then the fifth bits of the bytes of word i
 * lie in bits 2 · i and 2 · i + 1 of the same bytes.
 */
export function spreadBits(bits: u32): u32 {
  let spread: u32 = 0;
  for (let to: u32 = 0; to < 8; to++) {
    const four = (bits >> (((to >> 1) << 2) + ((to & 1) << 4))) & 15;
    // The products put bit b at bit 8 · b.
    spread |= ((four * 0x00204081) & 0x01010101) << to;
  }
  return spread;
}

export function gatherBits(spread: u32): u32 {
  let bits: u32 = 0;
  for (let from: u32 = 0; from < 8; from++) {
    // The products put bit 8 · b at bit 28 + b.
    const four = (((spread >> from) & 0x01010101) * 0x10204080) >> 28;
    bits |= four << (((from >> 1) << 2) + ((from & 1) << 4));
  }
  return bits;
}
