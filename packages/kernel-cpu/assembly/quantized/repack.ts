import { Pointer, Q8_0, StorageType } from "../records.ts";
import { blockColumns, codeBytes, GROUP_ROWS, groupBytes, hasHighBits, hasMins, highPlane, isK, scalePlane } from "./layout.ts";
import { gatherBits, spreadBits } from "./spreadBits.ts";
import { copyRowK, rowBytesK } from "./repackK.ts";

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
  const rowBytes = isK(type) ? rowBytesK(args.columns, type) : size >> 2;
  const first = (firstGroup(args) + begin * UNIT_GROUPS) * GROUP_ROWS;
  const last = min((firstGroup(args) + end * UNIT_GROUPS) * GROUP_ROWS, args.firstRow + args.count);
  for (let row = max(first, args.firstRow); row < last; row++) {
    const file = args.rows + <usize>(row - args.firstRow) * rowBytes;
    const group = args.weight + <usize>(row / GROUP_ROWS) * size;
    if (isK(type)) copyRowK(file, group, row & 3, blocks, type, changetype<F>(0).toFile());
    else copyRow<F>(file, group, row & 3, blocks, type);
  }
}

@unmanaged
@final
class FromFile {
  @inline
  toFile(): bool {
    return false;
  }
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
  toFile(): bool {
    return true;
  }
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
