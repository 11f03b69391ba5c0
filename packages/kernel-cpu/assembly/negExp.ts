import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { expLanes } from "./exponentials.ts";

// y = -exp(a)

@unmanaged
@final
class NegExp {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.neg(expLanes(a));
  }
}

export function negExpUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function negExpRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<NegExp>(args, begin, end);
}
