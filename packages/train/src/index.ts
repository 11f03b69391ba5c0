export type { ArrayExample } from "./arrayExample.ts";
export { type ChatExamples, chatExamples, type ChatExamplesOptions } from "./chat/chatExamples.ts";
export { type Conversation, parseConversation } from "./chat/conversation.ts";
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
export { evaluate, type EvaluateOptions, type Evaluation, exampleRange } from "./evaluate.ts";
export type { Evaluator, EvaluatorOptions } from "./evaluator.ts";
export { languageModel, type LanguageModelOptions } from "./languageModel.ts";
export {
  evaluationOf,
  type LanguageModelEvaluation,
  type LanguageModelMetrics,
  type LanguageModelSums,
} from "./languageModelMetrics.ts";
export { type MemoryConfig, type MemoryPrediction, predictMemory } from "./memory/predictMemory.ts";
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
export { type StepEvent, Trainer, type TrainerOptions } from "./trainer.ts";
export type { ArrayTrainable } from "./arrays/arrayTrainable.ts";
export { classifier, type ClassifierOptions } from "./arrays/classifier.ts";
export type { ClassifierMetrics, ClassScore } from "./arrays/classSums.ts";
export { predict, type PredictOptions } from "./arrays/predict.ts";
export { regressor, type RegressorOptions } from "./arrays/regressor.ts";
export type {
  QuantileScore,
  RegressionLoss,
  RegressorMetrics,
  TargetError,
} from "./arrays/regressionSums.ts";
export {
  forecastSeries,
  isDirectForecaster,
  seriesRegressor,
  type SeriesRegressorOptions,
} from "./arrays/seriesModel.ts";
export type { BestPoint, FitState } from "./fit/bestPoint.ts";
export { fit, type FitOptions, type Resumable, type RunStore } from "./fit/fit.ts";
export type { FitConfig, FitConfigInput } from "./fit/fitConfig.ts";
export { type FitData, Fitter, type FitEvent } from "./fit/fitter.ts";
