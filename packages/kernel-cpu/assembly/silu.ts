import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { siluLanes } from "./exponentials.ts";

// y = a / (1 + exp(-a))

@unmanaged
@final
class Silu {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return siluLanes(a);
  }
}

export function siluUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function siluRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Silu>(args, begin, end);
}
