import type { MambaLM, StackState, Tape } from "@mamba/core";
import type { Tensor } from "@mamba/kernel";
import { type Batch, chunksOf, collate, countTargets } from "./batch.ts";
import { checkExample, checkSource, type DataSource } from "./dataSource.ts";
import { TrainError } from "./errors.ts";
import type { ChunkLoss, Trainable } from "./trainable.ts";

/**
 * A language model as a trainable: all of its parameters or, while an adapter is attached, the adapter's alone. The loss is
 * the mean cross entropy over the positions that count: those whose target is not `ignoreIndex` (-100). Ids and targets
 * outside of the vocabulary are refused. The weights that are not trained may be stored in any type.
 */
export function languageModel(model: MambaLM): Trainable {
  const { kernel, adapter } = model;
  return {
    kernel,
    ...model.trainable,
    config: { ...model.config, ...(adapter && { adapter: adapter.config }) },
    checkSource(source) {
      checkSource(source as DataSource, model.config.vocabSize);
    },
    checkExample(example, where) {
      checkExample(example, model.config.vocabSize, where);
    },
    loss(examples, { segmentLength }) {
      if (model.adapter !== adapter) {
        throw new TrainError("CONFIG", "the model has another adapter than when its training began");
      }
      const batch = collate(examples);
      return {
        targets: countTargets(batch),
        positions: batch.ids.length,
        chunks: () => chunkLosses(model, batch, segmentLength),
      };
    },
  };
}

/** The state goes from one chunk to the next, but no gradient comes back (truncated backpropagation through time). */
function* chunkLosses(
  model: MambaLM,
  batch: Batch,
  chunkLength: number | undefined,
): Generator<ChunkLoss, void, undefined> {
  const chunks = chunksOf(batch, chunkLength);
  using state = chunks.length > 1 ? model.createState(batch.size) : undefined;
  for (const chunk of chunks) {
    const targets = countTargets(chunk);
    using ids = model.kernel.upload(chunk.ids, [chunk.size, chunk.length], "i32");
    if (targets > 0) yield { targets, loss: (tape) => lossOf(tape, model, ids, chunk, state) };
    // A chunk without targets has no loss, but it advances the state.
    else if (state) model.forward(ids, { state, logits: "last" }).dispose();
  }
}

function lossOf(
  tape: Tape,
  model: MambaLM,
  ids: Tensor,
  { targets }: Batch,
  state: StackState | undefined,
): Tensor {
  const logits = model.run(tape, ids, { state }); // [B, L, V]
  const rows = tape.reshape(logits, [targets.length, model.config.vocabSize]);
  return tape.crossEntropy(rows, tape.constant(targets, [targets.length]));
}
