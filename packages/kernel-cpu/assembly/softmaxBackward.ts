import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { Pointer } from "./records.ts";

// dx = y · (dy - sum(dy · y)) over the last axis, with y = softmax(x)

@unmanaged
export class SoftmaxBackwardArgs {
  dy!: Pointer; // f32 [rows, features]
  y!: Pointer; // f32 [rows, features]
  dx!: Pointer; // f32 [rows, features]
  rows!: i32;
  features!: i32;
  dyStride!: i32;
  yStride!: i32;
}

/** Rows in one unit: about 8192 numbers. */
@inline
function unitRows(args: SoftmaxBackwardArgs): i32 {
  return max(8192 / args.features, 1);
}

export function softmaxBackwardUnits(args: SoftmaxBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function softmaxBackwardRun(args: SoftmaxBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const bytes: usize = args.features << 2;
  const pairs = bytes & ~31;
  const whole = bytes & ~15;
  for (let row = begin * rows; row < last; row++) {
    const dy = args.dy + ((<usize>row * args.dyStride) << 2);
    const y = args.y + ((<usize>row * args.yStride) << 2);
    const dx = args.dx + <usize>row * bytes;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let i: usize = 0;
    for (; i < pairs; i += 32) {
      s0 = madd(v128.load(dy + i), v128.load(y + i), s0);
      s1 = madd(v128.load(dy + i, 16), v128.load(y + i, 16), s1);
    }
    for (; i < bytes; i += 16) {
      const count = <i32>((bytes - i) >> 2);
      s0 = madd(loadLanes(dy + i, count), loadLanes(y + i, count), s0);
    }
    const sum = f32x4.splat(sumLanes(f32x4.add(s0, s1)));
    for (i = 0; i < whole; i += 16) {
      v128.store(dx + i, f32x4.mul(v128.load(y + i), f32x4.sub(v128.load(dy + i), sum)));
    }
    if (i < bytes) {
      const count = <i32>((bytes - i) >> 2);
      const gradient = f32x4.sub(loadLanes(dy + i, count), sum);
      storeLanes(dx + i, f32x4.mul(loadLanes(y + i, count), gradient), count);
    }
  }
}
