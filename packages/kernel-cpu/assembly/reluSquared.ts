import { ElementwiseArgs, elementwiseUnits, mapOne } from "./elementwise.ts";

// y = max(a, 0)²

@unmanaged
@final
class ReluSquared {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    const positive = f32x4.max(a, f32x4.splat(0));
    return f32x4.mul(positive, positive);
  }
}

export function reluSquaredUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function reluSquaredRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapOne<ReluSquared>(args, begin, end);
}
