import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";

// y = a - b

@unmanaged
@final
class Sub {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.sub(a, b);
  }
}

export function subUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function subRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<Sub>(args, begin, end);
}
