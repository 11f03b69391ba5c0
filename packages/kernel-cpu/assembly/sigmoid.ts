import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { sigmoidLanes } from "./exponentials.ts";

// y = 1 / (1 + exp(-a))

@unmanaged
@final
class Sigmoid {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return sigmoidLanes(a);
  }
}

export function sigmoidUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function sigmoidRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Sigmoid>(args, begin, end);
}
