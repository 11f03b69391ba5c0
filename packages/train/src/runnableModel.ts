import {
  type DerivedTensors,
  type MambaLM,
  type Ops,
  type Parameters,
  type ParameterSpec,
  type Sequences,
  StackState,
  type StateSpec,
} from "@mamba/core";
import type { Kernel, Shape, Tensor } from "@mamba/kernel";
import type { LossOptions } from "./trainable.ts";

/** The input of a model: how the array of an example becomes a tensor. */
export interface InputFormat {
  readonly dtype: "i32" | "f32";
  /** Values per position: 1 for ids, C for numbers, H · W · C for an image, which counts as one position. */
  readonly width: number;
  /** The shape of `rows` rows of `length` positions. */
  readonly shape: (rows: number, length: number) => Shape;
}

/** How a batch is run: the state is advanced in place. */
export interface RunOptions {
  readonly state?: StackState | undefined;
  readonly sequences?: Sequences | undefined;
  readonly training?: LossOptions["training"];
}

/** A model as a batch runs it, whatever its inputs are. */
export interface RunnableModel {
  readonly input: InputFormat;
  /** Numbers per result. */
  readonly outputs: number;
  /** True when each position has a result, [B, L, outputs]; otherwise each sequence has one, [S, outputs]. */
  readonly perPosition: boolean;
  run(ops: Ops, input: Tensor, options: RunOptions): Tensor;
  /** Advances the state without results, where that costs less than `run`. */
  advance?(ops: Ops, input: Tensor, options: RunOptions): void;
  /** Given for causal models: a state before the first position. */
  readonly createState?: ((rows: number, kernel: Kernel) => StackState) | undefined;
}

/** A language model: logits of the vocabulary at each position. */
export function runnableLanguageModel(model: MambaLM): RunnableModel {
  return {
    input: { dtype: "i32", width: 1, shape: (rows, length) => [rows, length] },
    outputs: model.config.vocabSize,
    perPosition: true,
    run: (ops, ids, options) => model.run(ops, ids, options),
    advance: (ops, ids, options) => {
      model.run(ops, ids, { ...options, logits: "last" });
    },
    createState: (rows, kernel) => model.createState(rows, kernel),
  };
}

/** The input of a model of arrays. */
export type ArrayInput =
  | { readonly kind: "values"; readonly channels: number }
  | { readonly kind: "tokens"; readonly vocabSize: number }
  | { readonly kind: "images"; readonly height: number; readonly width: number; readonly channels: number };

/** A model from arrays to numbers, such as `SequenceModel` and `VisionMamba`, as `classifier` and `regressor` take it. */
export interface ArrayModel {
  readonly kernel: Kernel;
  readonly config: object;
  readonly input: ArrayInput;
  /** Numbers per result. */
  readonly outputs: number;
  /** True when each position has a result, [B, L, outputs]; otherwise each sequence has one, [S, outputs]. */
  readonly perPosition: boolean;
  /** The parameters that training changes. */
  readonly trainable: { readonly specs: readonly ParameterSpec[]; readonly parameters: Parameters };
  readonly derived: DerivedTensors;
  /** The states of a model that reads from the first position on; undefined for one that needs the whole input at once. */
  readonly state?: readonly StateSpec[] | undefined;
  run(ops: Ops, input: Tensor, options: RunOptions): Tensor;
}

export function runnableArrayModel(model: ArrayModel): RunnableModel {
  const { input, outputs, perPosition, state } = model;
  return {
    input: inputFormat(input),
    outputs,
    perPosition,
    run: (ops, x, options) => model.run(ops, x, options),
    createState: state && ((rows, kernel) => StackState.create(kernel, state, rows)),
  };
}

function inputFormat(input: ArrayInput): InputFormat {
  switch (input.kind) {
    case "tokens":
      return { dtype: "i32", width: 1, shape: (rows, length) => [rows, length] };
    case "values": {
      const { channels } = input;
      return { dtype: "f32", width: channels, shape: (rows, length) => [rows, length, channels] };
    }
    case "images": {
      const { height, width, channels } = input;
      return {
        dtype: "f32",
        width: height * width * channels,
        shape: (rows) => [rows, height, width, channels],
      };
    }
    default:
      return input satisfies never;
  }
}
