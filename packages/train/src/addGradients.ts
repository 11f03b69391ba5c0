import { type Gradients, type Parameters, Tape } from "@mamba/core";
import type { Scope, Tensor, TrainingKernel } from "@mamba/kernel";
import { sequenceOps } from "./evaluator.ts";
import type { BatchLoss } from "./trainable.ts";

/** A loss [1] and its weight in the loss of the step. */
export interface WeightedLoss {
  readonly loss: Tensor;
  readonly weight: number;
}

/**
 * Computes the losses of a batch and adds their gradients to `gradients`.
 *
 * @param kernel computes all of it: the model's kernel, or one that only counts memory
 * @param weight of all batches of the step together: each target has its own part in it, whatever batch it is in
 * @param scope owns the losses that are returned
 */
export function addGradients(
  kernel: TrainingKernel,
  parameters: Parameters,
  batch: BatchLoss,
  {
    weight,
    gradients,
    scope,
    recompute,
  }: {
    readonly weight: number;
    readonly gradients: Gradients;
    readonly scope: Scope;
    readonly recompute: boolean;
  },
): WeightedLoss[] {
  const losses: WeightedLoss[] = [];
  for (const chunk of batch.chunks(kernel)) {
    if (chunk.weight === 0) {
      using ops = sequenceOps(kernel);
      chunk.loss(ops); // it advances the state
      continue;
    }
    const own = chunk.weight / weight;
    using tape = new Tape(kernel, parameters.values(), { recompute, addedLossWeight: own });
    const loss = scope.use(tape.keep(chunk.loss(tape)));
    losses.push({ loss, weight: own });
    for (const [parameter, gradient] of tape.backward(loss, own)) gradients.add(parameter, gradient);
  }
  return losses;
}
