import { Pointer } from "./records.ts";
import { exponentials, largestOf, scaleRow } from "./softmaxRow.ts";

// y = exp(x - max(x)) / sum(exp(x - max(x))) over the last axis. A row is NaN when its maximum is not finite, because
// -inf - -inf and inf - inf are NaN, and when it has a NaN, because the sum is NaN then.

@unmanaged
export class SoftmaxArgs {
  x!: Pointer; // f32 [rows, features]
  y!: Pointer; // f32 [rows, features]
  rows!: i32;
  features!: i32;
  xStride!: i32;
}

/** Rows in one unit: about 8192 numbers. */
@inline
function unitRows(args: SoftmaxArgs): i32 {
  return max(8192 / args.features, 1);
}

export function softmaxUnits(args: SoftmaxArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function softmaxRun(args: SoftmaxArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const bytes: usize = args.features << 2;
  for (let row = begin * rows; row < last; row++) {
    const x = args.x + ((<usize>row * args.xStride) << 2);
    const y = args.y + <usize>row * bytes;
    const sum = exponentials(x, args.features, largestOf(x, args.features), y);
    scaleRow(y, args.features, <f32>(1 / sum));
  }
}
