import { ElementwiseArgs, elementwiseUnits, mapTwo } from "./elementwise.ts";
import { siluDerivative } from "./exponentials.ts";

// y = a * s * (1 + b * (1 - s)) with s = 1 / (1 + exp(-b)): a is dy, b is the input of silu

@unmanaged
@final
class SiluBackward {
  @inline
  lanes(a: v128, b: v128, factor: v128): v128 {
    return f32x4.mul(a, siluDerivative(b));
  }
}

export function siluBackwardUnits(args: ElementwiseArgs): i32 {
  return elementwiseUnits(args);
}

export function siluBackwardRun(args: ElementwiseArgs, begin: i32, end: i32, scratch: usize): void {
  mapTwo<SiluBackward>(args, begin, end);
}
