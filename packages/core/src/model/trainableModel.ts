import type { Kernel, Tensor } from "@mamba/kernel";
import type { StateSpec, Training } from "../layers/module.ts";
import type { Sequences } from "../layers/sequences.ts";
import type { DerivedTensors } from "../ops/run/derivedTensors.ts";
import type { Ops } from "../ops/run/ops.ts";
import type { Parameters, ParameterSpec } from "../parameters/spec.ts";
import type { StackState } from "../state/stackState.ts";

/** The input of a model: numbers f32 [B, L, channels], ids i32 [B, L] below `vocabSize`, or images f32 [B, height, width, channels]. */
export type ModelInput =
  | { readonly kind: "values"; readonly channels: number }
  | { readonly kind: "tokens"; readonly vocabSize: number }
  | { readonly kind: "images"; readonly height: number; readonly width: number; readonly channels: number };

/** How a model is run in training. */
export interface TrainingRunOptions {
  /** The state after what came before; advanced in place to the end of this input. For models with `state`. */
  readonly state?: StackState | undefined;
  /** The sequences and the padding of each row, for a model that reads sequences. Default: a row is one sequence. */
  readonly sequences?: Sequences | undefined;
  /** The seed of this step: without it nothing is dropped. */
  readonly training?: Pick<Training, "seed"> | undefined;
}

/** A model from an input to numbers, `SequenceModel` or `VisionMamba`, as a classifier or a regressor trains it. */
export interface TrainableModel {
  /** Reads sequences of numbers or ids, or images. */
  readonly kind: "sequence" | "vision";
  readonly input: ModelInput;
  /** The states of a model that can go on from what came before; undefined for one that needs the whole input at once. */
  readonly state?: readonly StateSpec[] | undefined;
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
