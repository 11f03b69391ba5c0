import { fail } from "../checks/fail.ts";
import { checkLogits } from "../checks/logits.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** How `sample` chooses a token from logits. Filters apply in the order of the fields. */
export interface SampleOptions {
  /** Divides the logits; > 0. */
  temperature: number;
  /** Keep the k largest logits, and all that equal the k-th; >= 1. Default: all. */
  topK?: number | undefined;
  /**
   * Keep the smallest set of most probable tokens that holds at least the fraction p of the probability that topK left,
   * and all that equal the last; 0 < p <= 1. Default 1.
   */
  topP?: number | undefined;
  /** Keep tokens with probability >= p times the largest; 0 <= p <= 1. Default 0. */
  minP?: number | undefined;
  /** One number in [0, 1) per row: randomness comes from the caller, the op itself is deterministic. */
  uniforms: readonly number[];
}

export interface SampleOp {
  /**
   * logits [B, V] -> i32 [B]. After the filters of `SampleOptions` the result is the first id, in ascending order of
   * ids, at which the cumulative probability exceeds `uniforms[b]`. NaN logits have probability 0; a row without any
   * finite logit gives its argmax.
   */
  sample(logits: Tensor, options: SampleOptions): Tensor;
}

export const sample = {
  parameters: ["logits", "options"],
  check(logits, { temperature, topK, topP, minP, uniforms }) {
    const op = "sample";
    const sizes = checkLogits(op, logits);
    if (!(temperature > 0 && Number.isFinite(temperature))) {
      const remedy = "argmax is the greedy choice";
      fail("ARGUMENT", op, `temperature must be a number > 0, got ${temperature} (${remedy})`);
    }
    if (topK !== undefined) checkInteger(op, "topK", topK, 1, Number.MAX_SAFE_INTEGER);
    if (topP !== undefined && !(topP > 0 && topP <= 1)) {
      fail("ARGUMENT", op, `topP must be in (0, 1], got ${topP}`);
    }
    if (minP !== undefined && !(minP >= 0 && minP <= 1)) {
      fail("ARGUMENT", op, `minP must be in [0, 1], got ${minP}`);
    }
    if (uniforms.length !== sizes.batch || !uniforms.every((uniform) => uniform >= 0 && uniform < 1)) {
      const expected = `${sizes.batch} numbers in [0, 1)`;
      fail("ARGUMENT", op, `uniforms must be ${expected}, got [${uniforms.join(", ")}]`);
    }
    return sizes;
  },
} satisfies OpDefinition<SampleOp["sample"]>;
