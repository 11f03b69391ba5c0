import { ElementwiseArgs, elementwiseUnits } from "./elementwise.ts";
import { mapRepeated, repeatedScratch } from "./repeated.ts";

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

export function subScratch(args: ElementwiseArgs): i32 {
  return repeatedScratch(args);
}

export function subRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapRepeated<Sub>(args, begin, end, scratch);
}
