import { Q4_K, Q5_K, Q6_K } from "../records.ts";
import { codeBytes, hasMins, highBytes, highPlane } from "./layout.ts";
import { packSixBits, unpackSixBits } from "./sixBits.ts";
import { gatherBits, spreadBits } from "./spreadBits.ts";
import { smallAt, superAt } from "./widen.ts";

// Copies rows of K types between a file and the layout of layout.ts, bit for bit. In a file each 256 columns have a record
//
//   q4_k   f16 d, f16 dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles
//   q5_k   the same with 32 bytes of fifth bits before the nibbles
//   q6_k   128 bytes of nibbles, 64 bytes of pairs of upper bits, 16 signed scales, f16 d
//
// Byte l of chunk c of the nibbles of q4_k and q5_k holds columns 64 c + l and, above, 64 c + 32 + l, and bit j of byte l of the fifth
// bits belongs to column 32 j + l. Of q6_k, byte l of chunk (h, s) holds columns 128 h + 32 s + l and, above, 64 columns later, and
// byte l of half h of the upper bits holds those of columns 128 h + l + 0, 32, 64 and 96.

const NIBBLES: u32 = 0x0f0f0f0f;
const PAIRS: u32 = 0x03030303;

@inline
function recordBytes(type: i32): usize {
  if (type == Q4_K) return 144;
  return type == Q5_K ? 176 : 210;
}

/** Bytes of a row in a file. */
export function rowBytesK(columns: i32, type: i32): usize {
  return <usize>(columns >> 8) * recordBytes(type);
}

/** Copies one row between `file` and lane `lane` of a group of `blocks` blocks. */
export function copyRowK(file: usize, group: usize, lane: usize, blocks: i32, type: i32, toFile: bool): void {
  const perRecord = type == Q6_K ? 16 : 8;
  for (let block = 0; block < blocks; block += perRecord) {
    const code = group + <usize>block * codeBytes(type) + (lane << 2);
    const high = group + highPlane(type, blocks) + <usize>block * highBytes(type) + (lane << 2);
    const d = superAt(group, blocks, block, type) + (lane << 1);
    const small = smallAt(group, blocks, block, type) + lane;
    if (type == Q6_K) {
      copyHalf(file + 208, d, toFile);
      for (let j: usize = 0; j < 16; j++) copyByte(file + 192 + j, small + (j << 2), toFile);
      if (toFile) memory.fill(file, 0, 192);
      for (let j: usize = 0; j < 16; j++) copySixBits(file, code + j * 48, j, toFile);
    } else {
      copyHalf(file, d, toFile);
      copyHalf(file + 2, d + 8, toFile);
      if (toFile) joinScales(file + 4, small);
      else splitScales(file + 4, small);
      const nibbles = file + (type == Q5_K ? 48 : 16);
      for (let c: usize = 0; c < 4; c++) copyNibbles(nibbles + (c << 5), code + (c << 7), toFile);
      if (type == Q5_K) {
        if (toFile) memory.fill(file + 16, 0, 32);
        for (let j: usize = 0; j < 8; j++) copyFifthBits(file + 16, high + (j << 4), <u32>j, toFile);
      }
    }
    file += recordBytes(type);
  }
}

@inline
function copyHalf(file: usize, stored: usize, toFile: bool): void {
  if (toFile) store<u16>(file, load<u16>(stored));
  else store<u16>(stored, load<u16>(file));
}

@inline
function copyByte(file: usize, stored: usize, toFile: bool): void {
  if (toFile) store<u8>(file, load<u8>(stored));
  else store<u8>(stored, load<u8>(file));
}

/** Copies 6-bit scales j and minima j, j = 0 ... 7, to bytes 8 j and 8 j + 4. */
function splitScales(file: usize, small: usize): void {
  for (let j: usize = 0; j < 4; j++) {
    const a = load<u8>(file + j);
    const b = load<u8>(file + j, 4);
    const c = load<u8>(file + j, 8);
    store<u8>(small + (j << 3), a & 63);
    store<u8>(small + (j << 3), b & 63, 4);
    store<u8>(small + (j << 3), (c & 15) | ((a >> 6) << 4), 32);
    store<u8>(small + (j << 3), (c >> 4) | ((b >> 6) << 4), 36);
  }
}

function joinScales(file: usize, small: usize): void {
  for (let j: usize = 0; j < 4; j++) {
    const scale = load<u8>(small + (j << 3), 32);
    const minimum = load<u8>(small + (j << 3), 36);
    store<u8>(file + j, load<u8>(small + (j << 3)) | ((scale >> 4) << 6));
    store<u8>(file + j, load<u8>(small + (j << 3), 4) | ((minimum >> 4) << 6), 4);
    store<u8>(file + j, (scale & 15) | (minimum << 4), 8);
  }
}

/** Copies 32 bytes of nibbles, which are two blocks. The exchange of nibbles is its own inverse. */
function copyNibbles(file: usize, code: usize, toFile: bool): void {
  const apart = codeBytes(Q4_K);
  for (let i: usize = 0; i < 4; i++) {
    const at = code + (i << 4);
    const from = file + (i << 2);
    const a = toFile ? load<u32>(at) : load<u32>(from);
    const b = toFile ? load<u32>(at + apart) : load<u32>(from, 16);
    const first = (a & NIBBLES) | ((b & NIBBLES) << 4);
    const second = ((a >> 4) & NIBBLES) | (b & ~NIBBLES);
    if (toFile) {
      store<u32>(from, first);
      store<u32>(from, second, 16);
    } else {
      store<u32>(at, first);
      store<u32>(at + apart, second);
    }
  }
}

/** Copies the fifth bits of block j of 256 columns. */
function copyFifthBits(file: usize, high: usize, j: u32, toFile: bool): void {
  if (toFile) {
    const bits = gatherBits(load<u32>(high));
    for (let i: u32 = 0; i < 8; i++) {
      const at = file + (<usize>i << 2);
      // The product puts bit b at bit 8 · b.
      store<u32>(at, load<u32>(at) | (((((bits >> (i << 2)) & 15) * 0x00204081) & 0x01010101) << j));
    }
    return;
  }
  let bits: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const word = load<u32>(file + (<usize>i << 2));
    // The product puts bit 8 · b at bit 28 + b.
    bits |= ((((word >> j) & 0x01010101) * 0x10204080) >> 28) << (i << 2);
  }
  store<u32>(high, spreadBits(bits));
}

/** Copies the 16 codes of block j of 256 columns. To a file it adds them to zeros. */
function copySixBits(file: usize, code: usize, j: usize, toFile: bool): void {
  const half = j >> 3;
  const quarter = (j >> 1) & 3;
  const first = (j & 1) << 4;
  const low = file + (half << 6) + ((quarter & 1) << 5) + first;
  const upper = file + 128 + (half << 5) + first;
  const nibbleShift = <u32>(quarter >> 1) << 2;
  const pairShift = <u32>quarter << 1;
  if (!toFile) {
    const m0 = fileWord(low, upper, nibbleShift, pairShift);
    const m1 = fileWord(low + 4, upper + 4, nibbleShift, pairShift);
    const m2 = fileWord(low + 8, upper + 8, nibbleShift, pairShift);
    const m3 = fileWord(low + 12, upper + 12, nibbleShift, pairShift);
    packSixBits(code, m0, m1, m2, m3);
    return;
  }
  for (let m = 0; m < 4; m++) {
    const word = unpackSixBits(code, m);
    const at = low + (<usize>m << 2);
    const pairAt = upper + (<usize>m << 2);
    store<u32>(at, load<u32>(at) | ((word & NIBBLES) << nibbleShift));
    store<u32>(pairAt, load<u32>(pairAt) | (((word >> 4) & PAIRS) << pairShift));
  }
}

/** The codes of four columns, one in each byte. */
@inline
function fileWord(low: usize, upper: usize, nibbleShift: u32, pairShift: u32): u32 {
  return ((load<u32>(low) >> nibbleShift) & NIBBLES) | (((load<u32>(upper) >> pairShift) & PAIRS) << 4);
}
