import {
  isHybrid,
  type MambaLM,
  type ModelInput,
  type Ops,
  StackState,
  type TrainableModel,
  type TrainingRunOptions,
} from "@mamba/core";
import type { Kernel, Shape, Tensor } from "@mamba/kernel";

/** The input of a model: how the array of an example becomes a tensor. */
export interface InputFormat {
  readonly dtype: "i32" | "f32";
  /** Values per position: 1 for ids, C for numbers, H · W · C for an image, which counts as one position. */
  readonly width: number;
  /** The shape of `rows` rows of `length` positions. */
  readonly shape: (rows: number, length: number) => Shape;
}

/** A model as a batch runs it, whatever its inputs are. */
export interface RunnableModel {
  readonly input: InputFormat;
  /** Numbers per result. */
  readonly outputs: number;
  /** True when each position has a result, [B, L, outputs]; otherwise each sequence has one, [S, outputs]. */
  readonly perPosition: boolean;
  /** True when modules may add losses in training, such as the balancing loss of experts: padding must have no part in them. */
  readonly addsLosses: boolean;
  run(ops: Ops, input: Tensor, options: TrainingRunOptions): Tensor;
  /** Advances the state without results, where that costs less than `run`. */
  advance?(ops: Ops, input: Tensor, options: TrainingRunOptions): void;
  /** Given for causal models: a state before the first position. */
  readonly createState?: ((rows: number, kernel: Kernel) => StackState) | undefined;
}

/** A language model: logits of the vocabulary at each position. */
export function runnableLanguageModel(model: MambaLM): RunnableModel {
  return {
    input: { dtype: "i32", width: 1, shape: (rows, length) => [rows, length] },
    outputs: model.config.vocabSize,
    perPosition: true,
    addsLosses: isHybrid(model.config),
    run: (ops, ids, options) => model.run(ops, ids, options),
    advance: (ops, ids, options) => {
      model.run(ops, ids, { ...options, logits: "last" });
    },
    createState: (rows, kernel) => model.createState(rows, { kernel }),
  };
}

/** A model of arrays, such as `SequenceModel` and `VisionMamba`. */
export function runnableArrayModel(model: TrainableModel): RunnableModel {
  const { input, outputs, perPosition, state } = model;
  return {
    input: inputFormat(input),
    outputs,
    perPosition,
    addsLosses: "stack" in model.config && model.config.stack !== undefined,
    run: (ops, x, options) => model.run(ops, x, given(options)),
    createState: state && ((rows, kernel) => StackState.create(kernel, state, rows)),
  };
}

function inputFormat(input: ModelInput): InputFormat {
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

/** The options that are not undefined: a model refuses those that it does not know. */
function given(options: TrainingRunOptions): TrainingRunOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
