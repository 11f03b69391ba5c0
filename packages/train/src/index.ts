export * from "./config.ts";
export { checkSource, type DataSource, type Example, ignoreIndex } from "./dataSource.ts";
export * from "./errors.ts";
export { evaluate, type EvaluateOptions, type Evaluation, evaluationOf, exampleRange } from "./evaluate.ts";
export { lrFactor, type Schedule, type ScheduleKind, scheduleKinds } from "./schedule.ts";
export type { RunState, SavedTensor } from "./runState.ts";
export { type StepEvent, Trainer } from "./trainer.ts";
