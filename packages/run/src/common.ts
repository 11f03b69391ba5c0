// Exports of both entries: the part that needs neither Node nor a browser.
export type { BackendName, BackendOptions, CpuOptions, ProbedBackend } from "./backends/options.ts";
export { RunError, type RunErrorCode } from "./errors.ts";
export type { ModelAbout } from "./model/about.ts";
export { warmUp } from "./model/warmUp.ts";
export type { ModelSource, OpenOptions, OpenProgress } from "./model/options.ts";
export type {
  GeneratedText,
  MemoryUse,
  NodeWorker,
  OpenInWorkerOptions,
  RestoreChatOptions,
  WebWorker,
  WorkerChat,
  WorkerGenerateOptions,
  WorkerLike,
  WorkerModel,
} from "./worker/workerModel.ts";
