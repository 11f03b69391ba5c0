import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";

// y = a * 2 * max(b, 0): a is dy, b is the input of reluSquared

@unmanaged
@final
class ReluSquaredBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    const positive = f32x4.max(b, f32x4.splat(0));
    return f32x4.mul(a, f32x4.add(positive, positive));
  }
}

export function reluSquaredBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function reluSquaredBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<ReluSquaredBackward>(args, begin, end);
}
