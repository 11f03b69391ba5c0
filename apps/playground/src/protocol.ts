// The messages between the page and its worker, which computes and accesses files.

import type { Availability } from "@mamba/kernel";

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
  readonly bytes: number;
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

/** The tasks that a model can be trained on here. */
export type TaskId = "induction" | "copying";

/** The user's settings of one training run. */
export interface TrainingSettings {
  readonly task: TaskId;
  /** Positions of an example. */
  readonly length: number;
  /** `dModel` of the model. */
  readonly width: number;
  readonly steps: number;
  readonly rate: number;
  readonly seed: number;
}

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

/** The kinds of work that the page waits for. */
export type Work = "model" | "backend" | "text" | "training";

/** The end of a text or a training run: at a stop token, after all tokens or steps, or stopped by the user. */
export type Ending = "stop" | "length" | "stopped";

/**
 * Messages from the page. `backend` and `stop` take effect at once, also during a text or a training run; the other
 * commands are queued.
 */
export type Command =
  /** Fetches a model and stores it. Its name is derived from the URL where there is no `name`. */
  | { readonly type: "fetch"; readonly url: string; readonly name?: string }
  | { readonly type: "store"; readonly files: readonly File[] }
  | { readonly type: "use"; readonly id: string }
  | { readonly type: "delete"; readonly id: string }
  | { readonly type: "backend"; readonly id: BackendId }
  | { readonly type: "generate"; readonly prompt: string; readonly settings: Settings }
  | { readonly type: "train"; readonly settings: TrainingSettings }
  /** Evaluates the model that was trained last, on new examples. */
  | { readonly type: "evaluate" }
  | { readonly type: "stop" };

/** Messages from the worker. */
export type Report =
  | { readonly type: "backends"; readonly choices: readonly BackendChoice[] }
  | { readonly type: "stored"; readonly models: readonly StoredModel[] }
  | { readonly type: "busy"; readonly work: Work }
  /** Sent once for every command but `stop`. */
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
  /** A training run starts, or continues, on this device. */
  | { readonly type: "training"; readonly device: string; readonly guessLoss: number }
  /** The steps since the last report. */
  | {
      readonly type: "steps";
      readonly done: number;
      readonly losses: readonly number[];
      readonly perSecond: number | undefined;
    }
  | { readonly type: "trained"; readonly ending: Ending }
  | { readonly type: "evaluated"; readonly scores: readonly Score[]; readonly answers: readonly Answer[] }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string };
