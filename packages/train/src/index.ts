export type { ArrayExample } from "./arrayExample.ts";
export * from "./config.ts";
export {
  checkExample,
  checkSource,
  type DataSource,
  type Example,
  type ExampleSource,
  ignoreIndex,
} from "./dataSource.ts";
export * from "./errors.ts";
export { evaluate, type EvaluateOptions, type Evaluation, evaluationOf, exampleRange } from "./evaluate.ts";
export { languageModel } from "./languageModel.ts";
export { lrFactor, type Schedule, type ScheduleKind, scheduleKinds } from "./schedule.ts";
export type { RunState, SavedTensor } from "./runState.ts";
export {
  type BatchLoss,
  type ChunkLoss,
  type LossOptions,
  type Trainable,
  trainable,
  type TrainableOptions,
} from "./trainable.ts";
export { type StepEvent, Trainer } from "./trainer.ts";
