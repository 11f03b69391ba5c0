import { chunkRows, ElementwiseArgs, mapTwo } from "./elementwise.ts";

// y = F.lanes(a, b) for an op whose b may be repeated over the rows of a. Row by row, a b of a few numbers would take a call per row
// and leave most lanes empty: four copies of it are a whole number of registers, and a is then one long row.

/** A shorter b is copied. */
const SHORT: i32 = 16;

@inline
function isShort(args: ElementwiseArgs): bool {
  return args.bRows == 1 && args.rows > 1 && args.features < SHORT && args.aStride == args.features;
}

/** Bytes of scratch of `mapRepeated`. */
export function repeatedScratch(args: ElementwiseArgs): i32 {
  return isShort(args) ? args.features << 4 : 0;
}

@inline
export function mapRepeated<F>(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  if (isShort(args)) mapShort<F>(args, begin, end, scratch);
  else mapTwo<F>(args, begin, end);
}

function mapShort<F>(args: ElementwiseArgs, begin: i32, end: i32, copies: usize): void {
  const op = changetype<F>(0);
  const factor = f32x4.splat(args.factor);
  const rowBytes = (<usize>args.features) << 2;
  for (let copy: usize = 0; copy < 4; copy++) memory.copy(copies + copy * rowBytes, args.b, rowBytes);
  const copiesEnd = copies + (rowBytes << 2);
  const rowsPerUnit = chunkRows(args.features);
  const first = <usize>(begin * rowsPerUnit) * rowBytes;
  const last = <usize>min(end * rowsPerUnit, args.rows) * rowBytes;
  const whole = first + ((last - first) & ~15);
  let b = copies;
  let i = first;
  for (; i < whole; i += 16) {
    v128.store(args.y + i, op.lanes(v128.load(args.a + i), v128.load(b), factor));
    b += 16;
    if (b == copiesEnd) b = copies;
  }
  for (; i < last; i += 4) {
    v128.store_lane<f32>(args.y + i, op.lanes(v128.load32_splat(args.a + i), v128.load32_splat(b), factor), 0);
    b += 4;
  }
}
