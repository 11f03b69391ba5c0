import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { tanhLanes } from "./exponentials.ts";

// y = tanh(a)

@unmanaged
@final
class Tanh {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return tanhLanes(a);
  }
}

export function tanhUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function tanhRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Tanh>(args, begin, end);
}
