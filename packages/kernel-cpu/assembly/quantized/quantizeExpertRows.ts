import { Pointer, StorageType } from "../records.ts";
import { quadBytes, quantizeRow } from "./quantizeRows.ts";

// Rounds the rows of x that the quads of a plan name to int8: see expertPlan.ts and quantizeRows.ts.

@unmanaged
export class QuantizeExpertRowsArgs {
  x!: Pointer; // f32
  plan!: Pointer;
  y!: Pointer; // quadBytes at the offset of each quad
  quads!: i32; // number of quads; may be 0
  quadsAt!: i32; // the place of the quads in the plan, in i32
  columns!: i32;
  xStride!: i32;
  weightType!: StorageType;
}

export function quantizeExpertRowsUnits(args: QuantizeExpertRowsArgs): i32 {
  return args.quads;
}

export function quantizeExpertRowsRun(
  args: QuantizeExpertRowsArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  for (let unit = begin; unit < end; unit++) {
    const quad = args.plan + ((<usize>(args.quadsAt + 6 * unit)) << 2);
    const to = args.y + load<i32>(quad);
    const lanes = <usize>load<i32>(quad, 4);
    if (load<i32>(quad + 4 + (lanes << 2)) < 0) memory.fill(to, 0, quadBytes(args.columns, lanes, args.weightType));
    for (let lane: usize = 0; lane < lanes; lane++) {
      const row = load<i32>(quad + 8 + (lane << 2));
      if (row < 0) continue;
      const x = args.x + ((<usize>row * args.xStride) << 2);
      quantizeRow(x, args.columns, to, lane, lanes, args.weightType);
    }
  }
}
