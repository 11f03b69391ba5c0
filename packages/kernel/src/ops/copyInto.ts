import { fail } from "../checks/fail.ts";
import { checkAlive, checkDense, checkSameShape } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

export interface CopyIntoOp {
  /**
   * Overwrites the dense `target` with `source`: same shape, same dtype. They may be views of one memory, and may overlap:
   * the whole source is read before the target is written.
   */
  copyInto(target: Tensor, source: Tensor): void;
}

export const copyInto = {
  parameters: ["target", "source"],
  check(target, source) {
    checkAlive("copyInto", "target", target);
    checkAlive("copyInto", "source", source);
    if (target.dtype !== source.dtype) {
      fail("DTYPE", "copyInto", `source must be ${target.dtype} like target, got ${source.dtype}`);
    }
    checkSameShape("copyInto", "source", source, "target", target);
    checkDense("copyInto", "target", target);
  },
  writes: (target) => [target],
} satisfies OpDefinition<CopyIntoOp["copyInto"]>;
