import { Pointer, Q8_0, StorageType } from "../records.ts";
import { blockColumns, codeBytes, GROUP_ROWS, groupBytes, hasHighBits, hasMins, highPlane, scalePlane } from "./layout.ts";

// Copies rows of blocks as a file has them to the layout of layout.ts, or back, bit for bit.

/** Groups in one unit. */
const UNIT_GROUPS: i32 = 8;

@unmanaged
export class RepackArgs {
  rows!: Pointer; // rows [firstRow, firstRow + count) as in a file
  weight!: Pointer; // [.., columns] in the layout of layout.ts
  firstRow!: i32;
  count!: i32;
  columns!: i32;
  weightType!: StorageType;
}

@inline
function firstGroup(args: RepackArgs): i32 {
  return args.firstRow / GROUP_ROWS;
}

@inline
function units(args: RepackArgs): i32 {
  if (args.count == 0) return 0;
  const groups = (args.firstRow + args.count + GROUP_ROWS - 1) / GROUP_ROWS - firstGroup(args);
  return (groups + UNIT_GROUPS - 1) / UNIT_GROUPS;
}

/** repack copies from rows to weight. */
export function repackUnits(args: RepackArgs): i32 {
  return units(args);
}

export function repackRun(args: RepackArgs, begin: i32, end: i32, scratch: usize): void {
  copyRows<FromFile>(args, begin, end);
}

/** restore copies from weight to rows. */
export function restoreUnits(args: RepackArgs): i32 {
  return units(args);
}

export function restoreRun(args: RepackArgs, begin: i32, end: i32, scratch: usize): void {
  copyRows<ToFile>(args, begin, end);
}

@inline
function copyRows<F>(args: RepackArgs, begin: i32, end: i32): void {
  const type = args.weightType;
  const blocks = args.columns / blockColumns(type);
  const size = groupBytes(type, blocks);
  const first = (firstGroup(args) + begin * UNIT_GROUPS) * GROUP_ROWS;
  const last = min((firstGroup(args) + end * UNIT_GROUPS) * GROUP_ROWS, args.firstRow + args.count);
  for (let row = max(first, args.firstRow); row < last; row++) {
    const file = args.rows + <usize>(row - args.firstRow) * (size >> 2);
    copyRow<F>(file, args.weight + <usize>(row / GROUP_ROWS) * size, row & 3, blocks, type);
  }
}

@unmanaged
@final
class FromFile {
  @inline
  word(file: usize, stored: usize, flip: u32): void {
    store<u32>(stored, load<u32>(file) ^ flip);
  }
  @inline
  bits(file: usize, stored: usize): void {
    store<u32>(stored, spreadBits(load<u32>(file)));
  }
  @inline
  half(file: usize, stored: usize): void {
    store<u16>(stored, load<u16>(file));
  }
}

@unmanaged
@final
class ToFile {
  @inline
  word(file: usize, stored: usize, flip: u32): void {
    store<u32>(file, load<u32>(stored) ^ flip);
  }
  @inline
  bits(file: usize, stored: usize): void {
    store<u32>(file, gatherBits(load<u32>(stored)));
  }
  @inline
  half(file: usize, stored: usize): void {
    store<u16>(file, load<u16>(stored));
  }
}

function copyRow<F>(file: usize, group: usize, lane: usize, blocks: i32, type: i32): void {
  const copy = changetype<F>(0);
  const flip: u32 = type == Q8_0 ? 0x80808080 : 0;
  const codes = codeBytes(type);
  let code = group + (lane << 2);
  let high = code + highPlane(type, blocks);
  let scale = group + scalePlane(type, blocks) + (lane << 1);
  for (let block = 0; block < blocks; block++) {
    copy.half(file, scale);
    file += 2;
    scale += 8;
    if (hasMins(type)) {
      copy.half(file, scale);
      file += 2;
      scale += 8;
    }
    if (hasHighBits(type)) {
      copy.bits(file, high);
      file += 4;
      high += 16;
    }
    for (const end = code + codes; code < end; code += 16) {
      copy.word(file, code, flip);
      file += 4;
    }
  }
}

/**
 * Moves bit j = 16 · half + 4 · i + byte of the file to bit 2 · i + half of byte `byte`: then the fifth bits of the bytes of word i
 * lie in bits 2 · i and 2 · i + 1 of the same bytes.
 */
function spreadBits(bits: u32): u32 {
  let spread: u32 = 0;
  for (let to: u32 = 0; to < 8; to++) {
    const four = (bits >> (((to >> 1) << 2) + ((to & 1) << 4))) & 15;
    // The products put bit b at bit 8 · b.
    spread |= ((four * 0x00204081) & 0x01010101) << to;
  }
  return spread;
}

function gatherBits(spread: u32): u32 {
  let bits: u32 = 0;
  for (let from: u32 = 0; from < 8; from++) {
    // The products put bit 8 · b at bit 28 + b.
    const four = (((spread >> from) & 0x01010101) * 0x10204080) >> 28;
    bits |= four << (((from >> 1) << 2) + ((from & 1) << 4));
  }
  return bits;
}
