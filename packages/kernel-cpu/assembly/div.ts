import { ElementwiseArgs, elementwiseUnits } from "./elementwise.ts";
import { mapRepeated, repeatedScratch } from "./repeated.ts";

// y = a / b

@unmanaged
@final
class Div {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.div(a, b);
  }
}

export function divUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function divScratch(args: ElementwiseArgs): i32 {
  return repeatedScratch(args);
}

export function divRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapRepeated<Div>(args, begin, end, scratch);
}
