import type { TrainConfigInput } from "@mamba/train";
import type { TrainingSettings } from "../../protocol.ts";

/** The config of a trainer with the user's settings. */
export function trainConfig(
  { steps, warmup, rate, seed }: TrainingSettings,
  batchSize: number,
): TrainConfigInput {
  return { steps, lr: rate, seed, batchSize, warmupSteps: warmup };
}
