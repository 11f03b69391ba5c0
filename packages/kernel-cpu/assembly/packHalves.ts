import { CHUNK, chunkUnits } from "./elementwise.ts";
import { narrowLanes, widenHalves } from "./half.ts";
import { F16, Flag, Pointer } from "./records.ts";

// Packed f16: the layout from which a product with one row reads f16 weights.
//
// The conversion in registers takes the bits of an f16 as those of an f32 times 2^-112. A subnormal f16 then is a subnormal f32,
// with which the hardware multiplies slowly, and infinities and NaNs need a check. Packed f16 has neither: it is w · 2^10, which
// is a normal f16 or zero, exactly, when |w| is below 64. Of eight numbers, 4 to 7 are the upper halves of the 32-bit lanes whose
// lower halves are 0 to 3, so that each half becomes four lanes of f32 in two instructions.

@unmanaged
export class HalvesLargestArgs {
  x!: Pointer; // f16 [count]
  largest!: Pointer; // i32 [units]: the largest bits of a number without its sign
  count!: i32; // a multiple of 8
}

export function halvesLargestUnits(args: HalvesLargestArgs): i32 {
  return chunkUnits(1, args.count);
}

export function halvesLargestRun(args: HalvesLargestArgs, begin: i32, end: i32, scratch: usize): void {
  for (let unit = begin; unit < end; unit++) {
    const last = args.x + ((<usize>min((unit + 1) * CHUNK, args.count)) << 1);
    let largest = i16x8.splat(0);
    for (let at = args.x + ((<usize>unit * CHUNK) << 1); at < last; at += 16) {
      largest = i16x8.max_s(largest, v128.and(v128.load(at), i16x8.splat(0x7fff)));
    }
    largest = i16x8.max_s(largest, v128.shuffle<i64>(largest, largest, 1, 0));
    largest = i16x8.max_s(largest, v128.shuffle<i32>(largest, largest, 1, 0, 3, 2));
    const most = max(i16x8.extract_lane_s(largest, 0), i16x8.extract_lane_s(largest, 1));
    store<i32>(args.largest + ((<usize>unit) << 2), most);
  }
}

@unmanaged
export class PackHalvesArgs {
  x!: Pointer; // f16 [count], converted in place
  count!: i32; // a multiple of 8
  restore!: Flag; // packed f16 -> f16
}

export function packHalvesUnits(args: PackHalvesArgs): i32 {
  return chunkUnits(1, args.count);
}

export function packHalvesRun(args: PackHalvesArgs, begin: i32, end: i32, scratch: usize): void {
  const last = args.x + ((<usize>min(end * CHUNK, args.count)) << 1);
  for (let at = args.x + ((<usize>begin * CHUNK) << 1); at < last; at += 16) {
    const bits = v128.load(at);
    if (args.restore) {
      const lower = scaled(i32x4.shr_s(i32x4.shl(bits, 16), 16), 1.0 / 1024.0);
      const upper = scaled(i32x4.shr_s(bits, 16), 1.0 / 1024.0);
      v128.store(at, v128.shuffle<i64>(lower, upper, 0, 2));
    } else {
      const lower = scaled(i32x4.extend_low_i16x8_s(bits), 1024.0);
      const upper = scaled(i32x4.extend_high_i16x8_s(bits), 1024.0);
      v128.store(at, v128.shuffle<i16>(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11));
    }
  }
}

/** Four sign-extended f16, times a factor, as four f16 in the lower half of the result. */
@inline
function scaled(bits: v128, factor: f32): v128 {
  return narrowLanes(f32x4.mul(widenHalves(bits), f32x4.splat(factor)), F16);
}
