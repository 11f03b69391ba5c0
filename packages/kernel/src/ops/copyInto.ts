import { fail } from "../checks/fail.ts";
import { checkAlive, checkDense, checkNotQuantized, checkSameShape } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface CopyIntoOp {
  /**
   * Overwrites the dense `target` with `source`: same shape, same dtype. They may be views of one memory, and may overlap:
   * the whole source is read before the target is written.
   *
   * A dense f32 `source` may also go into an f16 or bf16 `target`: each value is rounded to the nearest one that the target's
   * type has, ties to even. A value that is too large becomes an infinity, and a NaN stays a NaN. Quantised tensors are refused.
   */
  copyInto(target: Tensor, source: Tensor): void;
}

export const copyInto = {
  parameters: ["target", "source"],
  check(target, source) {
    const op = "copyInto";
    checkAlive(op, "target", target);
    checkAlive(op, "source", source);
    checkNotQuantized(op, "target", target);
    const rounds = source.dtype === "f32" && (target.dtype === "f16" || target.dtype === "bf16");
    if (target.dtype !== source.dtype && !rounds) {
      const others = target.dtype === "f16" || target.dtype === "bf16" ? " or f32" : " like target";
      fail("DTYPE", op, `source must be ${target.dtype}${others}, got ${source.dtype}`);
    }
    checkSameShape(op, "source", source, "target", target);
    checkDense(op, "target", target);
    if (rounds) checkDense(op, "source", source);
  },
  writes: (target) => [target],
} satisfies OpDefinition<CopyIntoOp["copyInto"]>;
