import { Pointer } from "./records.ts";

// y[b, l] = x[b, L - 1 - l]. A unit is a row.

@unmanaged
export class FlipArgs {
  x!: Pointer; // f32 [batch, length, channels]
  y!: Pointer; // f32 [batch, length, channels]
  batch!: i32;
  length!: i32;
  channels!: i32;
  xStride!: i32;
}

export function flipUnits(args: FlipArgs): i32 {
  return args.batch * args.length;
}

export function flipRun(args: FlipArgs, begin: i32, end: i32, scratch: usize): void {
  const bytes = (<usize>args.channels) << 2;
  for (let row = begin; row < end; row++) {
    const batch = row / args.length;
    const source = (batch + 1) * args.length - 1 - (row - batch * args.length);
    memory.copy(args.y + <usize>row * bytes, args.x + ((<usize>source * args.xStride) << 2), bytes);
  }
}
