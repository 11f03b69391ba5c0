import type { Kernel, Tensor } from "@mamba/kernel";
import type { Training } from "../layers/module.ts";
import type { Sequences } from "../layers/sequences.ts";
import type { DerivedTensors } from "../ops/run/derivedTensors.ts";
import type { Ops } from "../ops/run/ops.ts";
import type { Parameters, ParameterSpec } from "../parameters/spec.ts";

/** How a model is run in training. */
export interface TrainingRunOptions {
  /** The sequences and the padding of each row, for a model that reads sequences. Default: a row is one sequence. */
  readonly sequences?: Sequences | undefined;
  /** The seed of this step: without it nothing is dropped. */
  readonly training?: Pick<Training, "seed"> | undefined;
}

/** A model from an input to numbers, `SequenceModel` or `VisionMamba`, as a classifier or a regressor trains it. */
export interface TrainableModel {
  /** Reads sequences of numbers or ids, or images. */
  readonly kind: "sequence" | "vision";
  readonly kernel: Kernel;
  /** Plain data but for a stack of one's own. */
  readonly config: object;
  readonly specs: readonly ParameterSpec[];
  readonly parameters: Parameters;
  /** The parameters that training changes: an adapter's while one is attached, and otherwise `parameters`. */
  readonly trainable: { readonly specs: readonly ParameterSpec[]; readonly parameters: Parameters };
  readonly derived: DerivedTensors;
  /** Numbers for each result: classes, or values. */
  readonly outputs: number;
  /** True when there is a result for each position, [B, L, outputs]; otherwise there is one for each sequence, [S, outputs]. */
  readonly perPosition: boolean;
  /** Runs the model through ops of the caller's, such as a `Tape`: they own the result. */
  run(ops: Ops, input: Tensor, options?: TrainingRunOptions): Tensor;
}
