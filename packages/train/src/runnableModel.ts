import type { MambaLM, Ops, Sequences, StackState } from "@mamba/core";
import type { Kernel, Shape, Tensor } from "@mamba/kernel";
import type { LossOptions } from "./trainable.ts";

/** The input of a model: how the array of an example becomes a tensor. */
export interface InputFormat {
  readonly dtype: "i32" | "f32";
  /** Values per position: 1 for ids, C for numbers, H · W · C for an image, which counts as one position. */
  readonly width: number;
  /** The shape of `rows` rows of `length` positions. */
  readonly shape: (rows: number, length: number) => Shape;
  /** Positions inside the model for each position of the input: the patches of an image. Default 1. */
  readonly positions?: number | undefined;
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
