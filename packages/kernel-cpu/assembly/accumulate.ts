import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";
import { madd } from "./lanes.ts";

// y = b + a * factor; the host passes the target as b and as y

@unmanaged
@final
class Accumulate {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return madd(a, factor, b);
  }
}

export function accumulateUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function accumulateRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<Accumulate>(args, begin, end);
}
