import { Gradients } from "@mamba/core";
import { byteLength, Scope } from "@mamba/kernel";
import { addGradients } from "../addGradients.ts";
import { resolveTrainConfig, type TrainConfigInput } from "../config.ts";
import { optimizerBytes } from "../optimizer.ts";
import type { Trainable } from "../trainable.ts";
import { CountingKernel } from "./countingKernel.ts";
import type { LargestTensor } from "./countingTensors.ts";

/** The bytes that the device holds at the peak of a step. */
export interface MemoryPrediction {
  /** The parameters that are trained, as they are stored. */
  readonly weights: number;
  /** The f32 values of parameters that are stored as f16 or bf16. */
  readonly masters: number;
  /** The two moments of AdamW for each parameter. */
  readonly moments: number;
  /** The gradients of all parameters, f32. */
  readonly gradients: number;
  /** Results of the forward and the backward pass, residuals and what ops need while they run: the rest of the peak. */
  readonly activations: number;
  /** Tensors of the kernel that are no part of the training: parameters that are not trained, other models. */
  readonly other: number;
  /** The sum of all fields above. */
  readonly total: number;
  /** The largest single tensor that the step creates. */
  readonly largest: LargestTensor;
}

/** The fields of the training config that the memory of a step depends on. */
export type MemoryConfig = Pick<TrainConfigInput, "segmentLength" | "recompute" | "accumulation">;

/**
 * Predicts the memory of one training step without computing it: the loss and its backward pass run on a kernel that keeps
 * only the shapes and lifetimes of tensors. Create the model before, and the trainer after the call.
 *
 * @param examples one batch: `batchSize` of them, the longest of the data for an upper bound
 * @throws what `trainable.loss` throws
 */
export function predictMemory<E>(
  trainable: Trainable<E>,
  examples: readonly E[],
  config: MemoryConfig = {},
): MemoryPrediction {
  const { segmentLength, recompute, accumulation } = resolveTrainConfig({ steps: 1, ...config });
  const held = trainable.kernel.memory().bytes;
  // Later batches of a step find the gradients of the first one in memory.
  const batches = Array.from({ length: Math.min(accumulation, 2) }, () => examples);
  return predictStep(trainable, batches, { segmentLength, recompute }, held);
}

/**
 * @param batches the examples of each batch
 * @param held bytes of the kernel's tensors, without those of the optimizer
 */
export function predictStep<E>(
  trainable: Trainable<E>,
  batches: readonly (readonly E[])[],
  { segmentLength, recompute }: { readonly segmentLength: number | undefined; readonly recompute: boolean },
  held: number,
): MemoryPrediction {
  const kernel = new CountingKernel(trainable.kernel);
  const tensors = [...trainable.parameters.values()];
  {
    using gradients = new Gradients(kernel);
    using scope = new Scope();
    for (const examples of batches) {
      const batch = trainable.loss(examples, { segmentLength, training: { seed: 0 } });
      addGradients(kernel, trainable.parameters, batch, { weight: 1, gradients, scope, recompute });
    }
  }
  const { peak, largest } = kernel.runtime;
  const sum = (bytes: readonly number[]) => bytes.reduce((total, own) => total + own, 0);
  const weights = sum(tensors.map(({ dtype, shape }) => trainable.kernel.storedBytes(dtype, shape)));
  const gradients = sum(tensors.map(({ shape }) => byteLength("f32", shape)));
  const { masters, moments } = optimizerBytes(tensors);
  const activations = Math.max(0, peak - gradients);
  const other = Math.max(0, held - weights);
  const total = weights + masters + moments + gradients + activations + other;
  return { weights, masters, moments, gradients, activations, other, total, largest };
}
