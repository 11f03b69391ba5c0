import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { logLanes } from "./logarithm.ts";

// y = log(a), the natural logarithm

@unmanaged
@final
class Log {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return logLanes(a);
  }
}

export function logUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function logRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Log>(args, begin, end);
}
