import type { Ops, TrainableModel } from "@mamba/core";
import type { Tensor } from "@mamba/kernel";
import type { ArrayExample } from "../arrayExample.ts";
import { type Evaluator, sequenceOps } from "../evaluator.ts";
import { batchOf, chunksOf, type ModelBatch, placeResults, positionsOf, takeResults } from "../modelBatch.ts";
import { checkPackTo } from "../packTo.ts";
import { runnableArrayModel } from "../runnableModel.ts";
import type { Trainable } from "../trainable.ts";
import { checkInput } from "./checkInput.ts";

/** A trainable of arrays, whose model also predicts for inputs without targets. */
export interface ArrayTrainable<M extends object> extends Trainable<ArrayExample, M> {
  /**
   * Checks an input without a target.
   *
   * @throws TrainError `DATA`
   */
  checkInput(input: ArrayExample["input"], where: string): void;
  /** The predictions for a batch of inputs that `checkInput` accepts: one array for each. See `predict`. */
  predictBatch(inputs: readonly ArrayExample["input"][]): Promise<Float32Array[]>;
}

/** The targets of results, with `width` values for each: i32 classes, or f32 numbers. */
type Targets = Int32Array | Float32Array;

/** The part of a trainable of arrays that depends on the kind of its targets. */
export interface Head<T extends Targets, M extends object> {
  /** Part of the trainable's config. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Values per result. */
  readonly width: number;
  /** Room for targets, filled with the value that does not count. */
  empty(length: number): T;
  /** The target of an example as an array. */
  targetsOf(example: ArrayExample): ArrayLike<number>;
  /** @throws TrainError `DATA` unless the example has a valid target for each of its results */
  checkTarget(example: ArrayExample, results: number, where: string): void;
  /** The number of targets that count, each times its weight. */
  weightOf(targets: T): number;
  /** The mean loss over the targets, [1], of y [results, outputs]. At least one counts. */
  loss(ops: Ops, y: Tensor, targets: T): Tensor;
  /** A new sum of losses and metrics. */
  sums(): Sums<T, M>;
  /** Changes results of the model into predictions, in place. */
  toPredictions(results: Float32Array): void;
}

/** Sums over the results of an evaluation, in float64. */
export interface Sums<T extends Targets, M extends object> {
  readonly loss: number;
  readonly weight: number;
  readonly targets: number;
  /** @param y [results, outputs] */
  add(y: Float32Array, targets: T): void;
  metrics(): M;
}

export function arrayTrainable<T extends Targets, M extends object>(
  name: string,
  model: TrainableModel,
  packTo: number | undefined,
  head: Head<T, M>,
): ArrayTrainable<M> {
  const { kernel, derived } = model;
  const runnable = runnableArrayModel(model);
  checkPackTo(name, packTo);
  const check = (input: ArrayExample["input"], where: string): number => {
    const positions = checkInput(model.input, input, where);
    checkPackTo(where, packTo, positions);
    return positions;
  };
  const collate = (inputs: readonly ArrayExample["input"][]) => batchOf(runnable, inputs, packTo);
  const targetsOf = (batch: ModelBatch, examples: readonly ArrayExample[]): T => {
    const values = (i: number) => (examples[i] ? head.targetsOf(examples[i]) : []);
    return placeResults(batch, values, head.width, head.empty(batch.results * head.width));
  };
  /** The results of a batch on the host, [results, outputs]. */
  const resultsOf = async (batch: ModelBatch): Promise<Float32Array> => {
    using ops = sequenceOps(kernel, derived);
    const [chunk] = chunksOf(batch, kernel, undefined, false);
    if (chunk === undefined) return new Float32Array();
    const [values] = (await kernel.read(chunk.run(ops, undefined))) as [Float32Array];
    return values;
  };
  return {
    kernel,
    ...model.trainable,
    config: { ...model.config, task: { name, ...head.config, ...(packTo !== undefined && { packTo }) } },
    checkExample(example, where) {
      const positions = check(example.input, where);
      head.checkTarget(example, model.perPosition ? positions : 1, where);
    },
    checkInput(input, where) {
      check(input, where);
    },
    loss(examples, { segmentLength, training }) {
      const batch = collate(examples.map(({ input }) => input));
      const targets = targetsOf(batch, examples);
      return {
        weight: head.weightOf(targets),
        ...positionsOf(batch),
        *chunks(states) {
          for (const chunk of chunksOf(batch, states, segmentLength, true)) {
            const own = chunk.cut(targets, head.width);
            const weight = head.weightOf(own);
            yield {
              weight,
              loss: (ops) => {
                const y = chunk.run(ops, training);
                return weight > 0 ? head.loss(ops, y, own) : y;
              },
            };
          }
        },
      };
    },
    evaluator: () =>
      new ArrayEvaluator(head.sums(), async (examples) => {
        const batch = collate(examples.map(({ input }) => input));
        const { positions } = positionsOf(batch);
        return { y: await resultsOf(batch), targets: targetsOf(batch, examples), positions };
      }),
    async predictBatch(inputs) {
      const batch = collate(inputs);
      const results = takeResults(batch, await resultsOf(batch), model.outputs);
      for (const own of results) head.toPredictions(own);
      return results;
    },
  };
}

/** The results of a batch, and its targets. */
interface BatchResults<T> {
  /** [results, outputs] */
  readonly y: Float32Array;
  readonly targets: T;
  readonly positions: number;
}

type RunBatch<T> = (examples: readonly ArrayExample[]) => Promise<BatchResults<T>>;

class ArrayEvaluator<T extends Targets, M extends object> implements Evaluator<ArrayExample, M> {
  readonly #sums: Sums<T, M>;
  readonly #run: RunBatch<T>;

  constructor(sums: Sums<T, M>, run: RunBatch<T>) {
    this.#sums = sums;
    this.#run = run;
  }

  get lossSum(): number {
    return this.#sums.loss;
  }
  get weight(): number {
    return this.#sums.weight;
  }
  get targets(): number {
    return this.#sums.targets;
  }

  async *add(examples: readonly ArrayExample[]): AsyncGenerator<number, void, undefined> {
    const { y, targets, positions } = await this.#run(examples);
    this.#sums.add(y, targets);
    yield positions;
  }

  metrics(): M {
    return this.#sums.metrics();
  }
}
