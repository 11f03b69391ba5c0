import { yieldToEventLoop } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { TrainError } from "../errors.ts";
import { nonFinite } from "../evaluate.ts";
import type { ArrayTrainable } from "./arrayTrainable.ts";

export interface PredictOptions {
  /** Inputs per batch. Default 32. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The predictions of a model for inputs without targets, on the host: of a `classifier` the probabilities of the classes, of a
 * `regressor` numbers in the units of the data (one for each level of each target with quantiles). A model with a result for each
 * position gives those of all positions, one after the other.
 *
 * @param trainable `classifier(model)` or `regressor(model)`, with the options of its training
 * @returns one array for each input, in their order
 * @throws TrainError `DATA` when an input does not fit the model, naming it; `NON_FINITE` when a prediction is NaN or infinite; `CONFIG` (options);
 * the signal's reason
 */
export async function predict(
  trainable: Pick<ArrayTrainable<object>, "checkInput" | "predictBatch">,
  inputs: readonly ArrayExample["input"][],
  { batchSize = 32, signal }: PredictOptions = {},
): Promise<Float32Array[]> {
  if (!(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
    throw new TrainError("CONFIG", `predict: batchSize must be a whole number >= 1, got ${batchSize}`);
  }
  inputs.forEach((input, i) => {
    trainable.checkInput(input, `input ${i}`);
  });
  const predictions: Float32Array[] = [];
  for (let start = 0; start < inputs.length; start += batchSize) {
    signal?.throwIfAborted();
    const found = await trainable.predictBatch(inputs.slice(start, start + batchSize));
    found.forEach((values, i) => {
      checkPrediction(`input ${start + i}`, values);
    });
    predictions.push(...found);
    await yieldToEventLoop();
  }
  return predictions;
}

/** @throws TrainError `NON_FINITE` */
export function checkPrediction(where: string, values: Float32Array): void {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw nonFinite(`${where}: the prediction has the value ${bad}`);
}
