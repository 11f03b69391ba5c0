import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { expLanes } from "./exponentials.ts";

// y = exp(a)

@unmanaged
@final
class Exp {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return expLanes(a);
  }
}

export function expUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function expRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Exp>(args, begin, end);
}
