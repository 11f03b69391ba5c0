import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { checkOptions, number, type Rules } from "../checkOptions.ts";
import { reshape } from "./reshape.ts";

export interface DropoutOptions {
  /** The probability of an element to become 0, in [0, 1). The others are divided by 1 - probability. */
  readonly probability: number;
  /** A whole number in [0, 2^32). The same seed drops the same elements, on every backend. */
  readonly seed: number;
}

const rules: Rules<DropoutOptions> = {
  probability: number("a number in [0, 1)", (value) => value >= 0 && value < 1),
  seed: number("a whole number in [0, 2^32)", (value) => Number.isInteger(value) && value >>> 0 === value),
};

/**
 * x with random elements set to 0 (Srivastava et al. 2014); a view of x when the probability is 0.
 *
 * @throws MambaError `OPTIONS`; KernelError `ARGUMENT` when the probability or the seed is missing
 */
export function dropout(run: OpRun, x: Tensor, options: DropoutOptions): Tensor {
  checkOptions("dropout", options, rules);
  const { probability, seed } = options;
  if (probability === 0) return reshape(run, x, x.shape);
  return run.result(run.kernel.dropout(x, probability, seed), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.dropout(dy, probability, seed));
  });
}
