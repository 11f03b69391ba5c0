import { ElementwiseArgs, elementwiseUnits } from "./elementwise.ts";
import { mapRepeated, repeatedScratch } from "./repeated.ts";

// y = a * b

@unmanaged
@final
class Mul {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, b);
  }
}

export function mulUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function mulScratch(args: ElementwiseArgs): i32 {
  return repeatedScratch(args);
}

export function mulRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapRepeated<Mul>(args, begin, end, scratch);
}
