import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";
import { geluDerivative, geluTanhDerivative } from "./gaussian.ts";

// y = a * gelu'(b), and a * geluTanh'(b): a is dy, b the input of gelu. See gaussian.ts.

@unmanaged
@final
class GeluBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, geluDerivative(b));
  }
}

export function geluBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function geluBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<GeluBackward>(args, begin, end);
}

@unmanaged
@final
class GeluTanhBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, geluTanhDerivative(b));
  }
}

export function geluTanhBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function geluTanhBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<GeluTanhBackward>(args, begin, end);
}
