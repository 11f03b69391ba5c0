import { ElementwiseArgs, elementwiseUnits } from "./elementwise.ts";
import { mapRepeated, repeatedScratch } from "./repeated.ts";

// y = a + b

@unmanaged
@final
class Add {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.add(a, b);
  }
}

export function addUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function addScratch(args: ElementwiseArgs): i32 {
  return repeatedScratch(args);
}

export function addRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapRepeated<Add>(args, begin, end, scratch);
}
