import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";
import { geluLanes, geluTanhLanes } from "./gaussian.ts";

// gelu, exact, and geluTanh, its approximation: see gaussian.ts

@unmanaged
@final
class Gelu {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return geluLanes(a);
  }
}

export function geluUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function geluRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<Gelu>(args, begin, end);
}

@unmanaged
@final
class GeluTanh {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return geluTanhLanes(a);
  }
}

export function geluTanhUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function geluTanhRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<GeluTanh>(args, begin, end);
}
