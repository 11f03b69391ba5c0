// The messages between the page and its worker, which computes and accesses files.

import type { Availability } from "@mamba/kernel";
import type { MemoryBudget } from "./device.ts";

/** The backends that the page offers. */
export type BackendId = "webgpu" | "threads" | "single";

/** A backend, and its availability in this browser. */
export interface BackendChoice {
  readonly id: BackendId;
  readonly label: string;
  readonly availability: Availability;
}

/** A model in the browser's storage. */
export interface StoredModel {
  readonly id: string;
  readonly name: string;
  /** The URL that it was fetched from; undefined for files from the user's disk. */
  readonly url?: string | undefined;
  /** The sum over all files. */
  readonly bytes: number;
  /** The bytes that an incomplete download has; undefined for a complete model. */
  readonly received?: number | undefined;
}

/** Bytes of the browser's storage that this page uses, and that it can still use, as the browser estimates them. */
export interface StorageRoom {
  readonly used: number;
  readonly free: number;
}

/** The model that is ready to write. */
export interface LoadedModel {
  readonly id: string;
  readonly description: string;
  readonly notes: readonly string[];
}

/** The user's settings of one text. */
export interface Settings {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

/** Progress and speed of a text. */
export interface Stats {
  readonly tokens: number;
  /** Speed on the current backend, without the prompt; undefined before there are two tokens. */
  readonly tokensPerSecond: number | undefined;
  /** Bytes of weights and state on the backend. */
  readonly memoryBytes: number;
}

/** A call of a tool in an answer. */
export interface ShownCall {
  readonly name: string;
  /** The arguments as text, JSON where the model wrote JSON. */
  readonly arguments: string;
}

/** A message of the conversation. */
export interface ShownMessage {
  readonly role: "user" | "assistant" | "tool";
  readonly content: string;
  /** The text before the answer, of models that reason. */
  readonly reasoning: string;
  readonly calls: readonly ShownCall[];
  /** Number of this version among the versions of the message, from 0. Edits and retries make versions. */
  readonly version: number;
  readonly versions: number;
}

/** The conversation with the loaded model. */
export interface Conversation {
  readonly system: string;
  readonly messages: readonly ShownMessage[];
}

/** A part of an answer, in the order in which the model writes it. */
export type AnswerPart =
  | { readonly type: "text" | "reasoning"; readonly text: string }
  | { readonly type: "call"; readonly call: ShownCall };

/** Progress and speed of an answer. */
export interface AnswerStats {
  readonly tokens: number;
  /** Speed without the prompt; undefined before there are two tokens. */
  readonly tokensPerSecond: number | undefined;
  /** From the message to the first token. */
  readonly firstTokenMs: number;
  /** Known at the end of a complete answer. */
  readonly prompt: { readonly read: number; readonly cached: number } | undefined;
  /** Bytes of weights and states on the backend. */
  readonly memoryBytes: number;
}

/** The settings of one answer. */
export interface ChatSettings extends Settings {
  /** The system prompt; empty for none. */
  readonly system: string;
}

/** The trainings on the page, one in each tab. */
export type TrainingKind = "task" | "digits" | "forecast";

/** The settings that every training has. */
interface RunSettings {
  /** `dModel` of the model. */
  readonly width: number;
  readonly steps: number;
  /** Steps over which the learning rate rises. It stays when a run gets more steps. */
  readonly warmup: number;
  readonly rate: number;
  readonly seed: number;
}

/** The tasks that a model can be trained on here. */
export type TaskId = "induction" | "copying";

/** A language model that learns a task. */
export interface TaskSettings extends RunSettings {
  readonly kind: "task";
  readonly task: TaskId;
  /** Positions of an example. */
  readonly length: number;
}

/** A vision model that learns to read digits. */
export interface DigitsSettings extends RunSettings {
  readonly kind: "digits";
}

/** The origin of a series: one of the two generated ones, a column of a CSV file, or the height of the pointer. */
export type SeriesSource = "waves" | "beats" | "csv" | "pointer";

/** Numbers of values of a series. */
export const seriesLengths = {
  /** A model reads these. */
  context: 64,
  /** It forecasts these. */
  horizon: 32,
  /** A training needs at least these. */
  least: 300,
  /** The most values that a series has; of a longer one the last are used. */
  most: 20_000,
} as const;

/** A model of sequences that learns to forecast a series. */
export interface ForecastSettings extends RunSettings {
  readonly kind: "forecast";
  readonly source: SeriesSource;
  /** Names the series in messages. */
  readonly name: string;
  readonly values: readonly number[];
  /** The number of values, from the first on, to train on. The others are the live ones of a column. */
  readonly trained: number;
}

/** The user's settings of one training run. */
export type TrainingSettings = TaskSettings | DigitsSettings | ForecastSettings;

/** Accuracy and loss of a trained model on unseen examples of one length. */
export interface Score {
  readonly length: number;
  /** From 0 to 1. */
  readonly accuracy: number;
  readonly loss: number;
}

/** An example as text, one letter for each token, and the model's answer. */
export interface Answer {
  readonly given: string;
  readonly expected: string;
  readonly answered: string;
}

export interface TaskEvaluation {
  readonly kind: "task";
  readonly scores: readonly Score[];
  readonly answers: readonly Answer[];
}

/** Accuracy on held-out digits. */
export interface DigitsEvaluation {
  readonly kind: "digits";
  /** From 0 to 1. */
  readonly accuracy: number;
  readonly examples: number;
}

/** Errors on the held-out end of a series. */
export interface ForecastEvaluation {
  readonly kind: "forecast";
  /** Mean absolute error of the median over all steps of the horizon, in the units of the series. */
  readonly error: number;
  /** Mean absolute error of a forecast that repeats the last value. */
  readonly persistence: number;
  /** Fraction of the values that lie in the band. */
  readonly inside: number;
  /** Fraction of the values that should lie in the band. */
  readonly expected: number;
}

/** The result of an evaluation on data that the model has not seen in training. */
export type Evaluation = TaskEvaluation | DigitsEvaluation | ForecastEvaluation;

/** A line of a drawing: x and y of each point in turn, in any unit. */
export type Stroke = readonly number[];

/** Asks a model for a prediction. */
export type Query =
  | { readonly kind: "digits"; readonly strokes: readonly Stroke[] }
  /** One of the held-out digits; numbers beyond the last begin again. */
  | { readonly kind: "digits"; readonly example: number }
  /** The last values of a series, of which `end` have come so far. */
  | { readonly kind: "forecast"; readonly end: number; readonly values: readonly number[] };

/** A read digit. */
export interface DigitPrediction {
  readonly kind: "digits";
  /** The image that the model reads: 28 x 28, 0 is the ground and 255 ink. */
  readonly pixels: Uint8Array;
  /** The digit that it is; undefined for a drawing. */
  readonly label: number | undefined;
  readonly probabilities: readonly number[];
}

/** The forecast of a series after `end` values. */
export interface SeriesPrediction {
  readonly kind: "forecast";
  readonly end: number;
  /** Rising; the middle one is drawn as a line. */
  readonly levels: readonly number[];
  /** [horizon, levels] */
  readonly quantiles: readonly number[];
}

export type Prediction = DigitPrediction | SeriesPrediction;

/** The kinds of work that the page waits for. */
export type Work = "model" | "backend" | "text" | "chat" | TrainingKind;

/** True for the training of a model and the work with it. */
export function isTraining(work: Work | undefined): work is TrainingKind {
  return work === "task" || work === "digits" || work === "forecast";
}

/** The end of a text or a training run: at a stop token, after all tokens or steps, or stopped by the user. */
export type Ending = "stop" | "length" | "stopped";

/**
 * Messages from the page. `backend` and `stop` take effect at once, also during a text or a training run, and `ask` during a
 * training run of its kind; the other commands are queued.
 */
export type Command =
  /** Fetches a model and stores it, or goes on with the download of this URL. Its name is derived from the URL where there is no `name`. */
  | { readonly type: "fetch"; readonly url: string; readonly name?: string }
  | { readonly type: "store"; readonly files: readonly File[] }
  | { readonly type: "use"; readonly id: string }
  | { readonly type: "delete"; readonly id: string }
  | { readonly type: "backend"; readonly id: BackendId }
  | { readonly type: "generate"; readonly prompt: string; readonly settings: Settings }
  /** Sends a message, and answers it. */
  | { readonly type: "send"; readonly text: string; readonly settings: ChatSettings }
  /** Replaces a message of the user, drops the messages after it, and answers it. */
  | { readonly type: "edit"; readonly index: number; readonly text: string; readonly settings: ChatSettings }
  /** Answers the last message of the user again. */
  | { readonly type: "retry"; readonly settings: ChatSettings }
  /** Shows another version of a message, with the messages that followed it. */
  | { readonly type: "version"; readonly index: number; readonly version: number }
  /** Deletes the conversation. */
  | { readonly type: "clear" }
  | { readonly type: "train"; readonly settings: TrainingSettings }
  /** Continues a stopped run, or adds steps to a complete one. */
  | { readonly type: "continue"; readonly kind: TrainingKind; readonly steps: number }
  /** Evaluates the trained model, on new examples. */
  | { readonly type: "evaluate"; readonly kind: TrainingKind }
  /** Deletes a run and its model. */
  | { readonly type: "forget"; readonly kind: TrainingKind }
  /** Requests the files of the trained model. */
  | { readonly type: "save"; readonly kind: TrainingKind }
  /** Uses a model from its files. */
  | { readonly type: "load"; readonly kind: TrainingKind; readonly files: readonly File[] }
  | { readonly type: "ask"; readonly query: Query }
  /** The first command: the memory for this page; undefined when only the backend limits it. */
  | { readonly type: "device"; readonly budget: MemoryBudget | undefined }
  | { readonly type: "stop" };

/** Messages from the worker. */
export type Report =
  | { readonly type: "backends"; readonly choices: readonly BackendChoice[] }
  | {
      readonly type: "stored";
      readonly models: readonly StoredModel[];
      /** Undefined where the browser does not tell. */
      readonly room: StorageRoom | undefined;
    }
  | { readonly type: "busy"; readonly work: Work }
  /** Sent once for every command but `stop`, `ask` and `device`. */
  | { readonly type: "done" }
  | {
      readonly type: "progress";
      readonly label: string;
      readonly unit: "bytes" | "tokens" | "shaders";
      readonly done: number;
      readonly total: number | undefined;
    }
  | { readonly type: "loaded"; readonly model: LoadedModel | undefined }
  | { readonly type: "running"; readonly backend: BackendId; readonly device: string | undefined }
  | { readonly type: "text"; readonly text: string; readonly stats: Stats }
  /** The text continues on another backend. */
  | { readonly type: "moved"; readonly backend: BackendId }
  | { readonly type: "ended"; readonly ending: Ending; readonly stats: Stats }
  /** The conversation with the loaded model, after each change; undefined when there is none to have. */
  | {
      readonly type: "conversation";
      readonly conversation: Conversation | undefined;
      /** The reason why the loaded model cannot chat. */
      readonly problem: string | undefined;
    }
  /** The parts of the answer since the last report. */
  | { readonly type: "answer"; readonly parts: readonly AnswerPart[]; readonly stats: AnswerStats }
  | {
      readonly type: "answered";
      readonly ending: Ending;
      /** Undefined for an answer without a token. */
      readonly stats: AnswerStats | undefined;
    }
  /** A run of an earlier visit. */
  | {
      readonly type: "restored";
      readonly settings: TrainingSettings;
      readonly losses: readonly number[];
      readonly guessLoss: number;
      readonly evaluation: Evaluation | undefined;
      /** True when the run was not stopped: the page continues it. */
      readonly isRunning: boolean;
    }
  /** A training run starts, or continues, on this device. */
  | {
      readonly type: "training";
      readonly kind: TrainingKind;
      readonly device: string;
      readonly guessLoss: number;
      /** The losses of the steps that are done. */
      readonly losses: readonly number[];
    }
  /** The steps since the last report. */
  | {
      readonly type: "steps";
      readonly kind: TrainingKind;
      readonly losses: readonly number[];
      readonly perSecond: number | undefined;
    }
  | { readonly type: "trained"; readonly kind: TrainingKind; readonly ending: Ending }
  | { readonly type: "evaluated"; readonly evaluation: Evaluation }
  | { readonly type: "forgotten"; readonly kind: TrainingKind }
  /** A model was loaded from files; undefined: its evaluation needs a training run. */
  | {
      readonly type: "learned";
      readonly kind: TrainingKind;
      readonly name: string;
      readonly evaluation: Evaluation | undefined;
    }
  | {
      readonly type: "files";
      readonly kind: TrainingKind;
      readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
    }
  /** The answer to `ask`; undefined when there is no model. */
  | {
      readonly type: "predicted";
      readonly kind: TrainingKind;
      readonly prediction: Prediction | undefined;
    }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string };
