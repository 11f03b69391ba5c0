import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";

// y = a * (1 - b²): a is dy, b the result of tanh. As (1 - b) * (1 + b), which does not cancel near 1.

@unmanaged
@final
class TanhBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, f32x4.mul(f32x4.sub(f32x4.splat(1), b), f32x4.add(f32x4.splat(1), b)));
  }
}

export function tanhBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function tanhBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<TanhBackward>(args, begin, end);
}
