import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { reshape } from "./reshape.ts";

export interface DropoutOptions {
  /** The probability of an element to become 0, in [0, 1). The others are divided by 1 - probability. */
  readonly probability: number;
  /** A whole number in [0, 2^32). The same seed drops the same elements, on every backend. */
  readonly seed: number;
}

/** x with random elements set to 0; a view of x when the probability is 0. */
export function dropout(run: OpRun, x: Tensor, { probability, seed }: DropoutOptions): Tensor {
  if (probability === 0) return reshape(run, x, x.shape);
  return run.result(run.kernel.dropout(x, probability, seed), [x], (dy, sink) => {
    sink.add(x, () => sink.kernel.dropout(dy, probability, seed));
  });
}
