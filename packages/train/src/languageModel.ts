import { configData, type MambaLM, type Ops } from "@mamba/core";
import { canTrain, KernelError, Scope, type Tensor } from "@mamba/kernel";
import { checkExample, checkSource, type DataSource, type Example, ignoreIndex } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import { type Evaluator, type EvaluatorOptions, sequenceOps } from "./evaluator.ts";
import { type LanguageModelMetrics, languageModelMetrics } from "./languageModelMetrics.ts";
import {
  batchOf,
  chunksOf,
  type ModelBatch,
  type ModelChunk,
  placeResults,
  positionsOf,
} from "./modelBatch.ts";
import { checkPackTo } from "./packTo.ts";
import { runnableLanguageModel } from "./runnableModel.ts";
import type { Trainable } from "./trainable.ts";

export interface LanguageModelOptions {
  /**
   * Packs short examples into rows of this many positions, instead of padding each to the longest. No example may be longer.
   * Default: no packing.
   */
  readonly packTo?: number | undefined;
}

/**
 * A language model as a trainable: all of its parameters or, while an adapter is attached, the adapter's alone. The loss is
 * the mean cross entropy over the positions that count: those whose target is not `ignoreIndex` (-100). Ids and targets
 * outside of the vocabulary are refused. The weights that are not trained may be stored in any type.
 *
 * @throws TrainError `CONFIG` (packTo)
 */
export function languageModel(
  model: MambaLM,
  { packTo }: LanguageModelOptions = {},
): Trainable<Example, LanguageModelMetrics> {
  const { kernel, adapter } = model;
  const { vocabSize } = model.config;
  checkPackTo("languageModel", packTo);
  const collate = (examples: readonly Example[]): LanguageBatch => collateLanguage(model, examples, packTo);
  return {
    kernel,
    ...model.trainable,
    config: {
      ...configData(model.config),
      ...(adapter && { adapter: adapter.config }),
      ...(packTo !== undefined && { packTo }),
    },
    checkSource(source) {
      checkSource(source as DataSource, vocabSize);
    },
    checkExample(example, where) {
      checkExample(example, vocabSize, where);
      checkPackTo(where, packTo, example.ids.length);
    },
    loss(examples, { segmentLength, training }) {
      if (model.adapter !== adapter) {
        throw new TrainError("CONFIG", "the model has another adapter than when its training began");
      }
      const { batch, targets } = collate(examples);
      return {
        weight: countTargets(targets),
        ...positionsOf(batch),
        *chunks(states) {
          for (const chunk of chunksOf(batch, states, segmentLength, true)) {
            const own = chunk.cut(targets, 1);
            const weight = countTargets(own);
            yield { weight, loss: (ops) => lossOf(ops, chunk, own, weight, training) };
          }
        },
      };
    },
    evaluator: () => new LanguageModelEvaluator(model, collate),
  };
}

interface LanguageBatch {
  readonly batch: ModelBatch;
  /** For each position of the batch; `ignoreIndex` where none counts. */
  readonly targets: Int32Array;
}

/** @param examples that `checkExample` accepts */
function collateLanguage(
  model: MambaLM,
  examples: readonly Example[],
  packTo: number | undefined,
): LanguageBatch {
  const inputs = examples.map(({ ids }) => ids);
  const batch = batchOf(runnableLanguageModel(model), inputs, packTo);
  const none = new Int32Array(batch.results).fill(ignoreIndex);
  return { batch, targets: placeResults(batch, (i) => examples[i]?.targets ?? [], 1, none) };
}

/** The number of targets that count. */
function countTargets(targets: Int32Array): number {
  let count = 0;
  for (const target of targets) if (target !== ignoreIndex) count++;
  return count;
}

function lossOf(
  ops: Ops,
  chunk: ModelChunk,
  targets: Int32Array,
  weight: number,
  training: { readonly seed: number } | undefined,
): Tensor {
  const wanted = ops.constant(targets, [targets.length]);
  if (weight > 0) return ops.crossEntropy(chunk.run(ops, training), wanted);
  chunk.advance(ops);
  return wanted; // ignored: the chunk has no loss
}

/** Sums of the losses and of the right tokens; only these leave the device. */
class LanguageModelEvaluator implements Evaluator<Example, LanguageModelMetrics> {
  lossSum = 0;
  targets = 0;
  #correct = 0;
  readonly #model: MambaLM;
  readonly #collate: (examples: readonly Example[]) => LanguageBatch;

  constructor(model: MambaLM, collate: (examples: readonly Example[]) => LanguageBatch) {
    this.#model = model;
    this.#collate = collate;
  }

  get weight(): number {
    return this.targets;
  }

  async *add(
    examples: readonly Example[],
    { segmentLength }: EvaluatorOptions,
  ): AsyncGenerator<number, void, undefined> {
    const { kernel } = this.#model;
    const { batch, targets } = this.#collate(examples);
    for (const chunk of chunksOf(batch, kernel, segmentLength, false)) {
      await this.#measure(chunk, chunk.cut(targets, 1));
      yield chunk.positions;
    }
  }

  async #measure(chunk: ModelChunk, targets: Int32Array): Promise<void> {
    const { kernel, derived } = this.#model;
    if (!canTrain(kernel))
      throw new KernelError("UNSUPPORTED", `evaluate: the ${kernel.name} backend has no loss`);
    const count = countTargets(targets);
    using scope = new Scope();
    const ops = scope.use(sequenceOps(kernel, derived));
    if (count === 0) {
      chunk.advance(ops);
      await kernel.sync();
      return;
    }
    const logits = chunk.run(ops, undefined);
    const wanted = ops.constant(targets, [targets.length]);
    const loss = scope.use(kernel.crossEntropy(logits, wanted).loss);
    const best = scope.use(kernel.argmax(logits));
    const [mean, chosen] = await kernel.read(loss, best);
    targets.forEach((target, i) => {
      if (target !== ignoreIndex && chosen?.[i] === target) this.#correct++;
    });
    this.lossSum += Number(mean?.[0]) * count;
    this.targets += count;
  }

  metrics(): LanguageModelMetrics {
    return languageModelMetrics({ loss: this.lossSum, correct: this.#correct, targets: this.targets });
  }
}
