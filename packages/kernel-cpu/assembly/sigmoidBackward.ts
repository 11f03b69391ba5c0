import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";

// y = a * b * (1 - b): a is dy, b the result of sigmoid

@unmanaged
@final
class SigmoidBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, f32x4.mul(b, f32x4.sub(f32x4.splat(1), b)));
  }
}

export function sigmoidBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function sigmoidBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<SigmoidBackward>(args, begin, end);
}
