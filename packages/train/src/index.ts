export * from "./config.ts";
export * from "./errors.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
export { lrFactor, type Schedule, type ScheduleKind, scheduleKinds } from "./schedule.ts";
export type { RunState, SavedTensor } from "./snapshot.ts";
export { type DataSource, type Example, ignoreIndex } from "./source.ts";
export { inductionHeads, type InductionOptions } from "./tasks/induction.ts";
export { selectiveCopying, type SelectiveCopyingOptions } from "./tasks/selective-copying.ts";
export { type StepEvent, Trainer } from "./trainer.ts";
