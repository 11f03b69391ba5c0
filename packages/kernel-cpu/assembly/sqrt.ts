import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";

// y = sqrt(a)

@unmanaged
@final
class Sqrt {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.sqrt(a);
  }
}

export function sqrtUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function sqrtRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Sqrt>(args, begin, end);
}
