import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";

// y = a * factor

@unmanaged
@final
class Scale {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, factor);
  }
}

export function scaleUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function scaleRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Scale>(args, begin, end);
}
