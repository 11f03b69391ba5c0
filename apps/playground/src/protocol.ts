// What the page and its worker say to each other. Everything that computes or touches files is in the worker.

import type { Availability } from "@mamba/kernel";

/** The ways to compute that the page offers. */
export type BackendId = "webgpu" | "threads" | "single";

/** One of them, and whether it can be used here. */
export interface BackendChoice {
  readonly id: BackendId;
  readonly label: string;
  readonly availability: Availability;
}

/** A model that is kept in the browser's storage. */
export interface StoredModel {
  readonly id: string;
  readonly name: string;
  /** The URL it came from; undefined for files from the user's disk. */
  readonly url?: string | undefined;
  readonly bytes: number;
}

/** The model that is ready to write. */
export interface LoadedModel {
  readonly id: string;
  readonly description: string;
  readonly notes: readonly string[];
}

/** What the user can set for one text. */
export interface Settings {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

/** How a generation goes. */
export interface Stats {
  readonly tokens: number;
  /** Over the tokens after the prompt, on the backend in use; undefined before there are two. */
  readonly tokensPerSecond: number | undefined;
  /** Of weights and state, on the backend. */
  readonly memoryBytes: number;
}

/** The tasks that a model can be trained on here. */
export type TaskId = "induction" | "copying";

/** What the user can set for one training. */
export interface TrainingSettings {
  readonly task: TaskId;
  /** Positions of an example. */
  readonly length: number;
  /** Of the model. */
  readonly width: number;
  readonly steps: number;
  readonly rate: number;
  readonly seed: number;
}

/** How well a trained model does on examples of one length that it has not seen. */
export interface Score {
  readonly length: number;
  /** From 0 to 1. */
  readonly accuracy: number;
  readonly loss: number;
}

/** An example as text, a letter for each token, and what the model says to it. */
export interface Answer {
  readonly given: string;
  readonly wanted: string;
  readonly answered: string;
}

/** What takes a while. */
export type Work = "model" | "backend" | "text" | "training";

/** How a text or a training ended. */
export type Ending = "stop" | "length" | "stopped";

/**
 * From the page. `backend` and `stop` act at once, also in the middle of a text or a training; the others wait for their turn.
 */
export type Command =
  | { readonly type: "fetch"; readonly url: string }
  | { readonly type: "keep"; readonly files: readonly File[] }
  | { readonly type: "use"; readonly id: string }
  | { readonly type: "forget"; readonly id: string }
  | { readonly type: "backend"; readonly id: BackendId }
  | { readonly type: "generate"; readonly prompt: string; readonly settings: Settings }
  | { readonly type: "train"; readonly settings: TrainingSettings }
  /** Judges the model that was trained last, on fresh examples. */
  | { readonly type: "examine" }
  | { readonly type: "stop" };

/** From the worker. */
export type Report =
  | { readonly type: "backends"; readonly choices: readonly BackendChoice[] }
  | { readonly type: "stored"; readonly models: readonly StoredModel[] }
  | { readonly type: "busy"; readonly work: Work }
  /** Once for every command but `stop`. */
  | { readonly type: "done" }
  | {
      readonly type: "progress";
      readonly what: string;
      readonly unit: "bytes" | "tokens" | "shaders";
      readonly done: number;
      readonly total: number | undefined;
    }
  | { readonly type: "loaded"; readonly model: LoadedModel | undefined }
  | { readonly type: "running"; readonly backend: BackendId; readonly device: string | undefined }
  | { readonly type: "text"; readonly text: string; readonly stats: Stats }
  | { readonly type: "carried"; readonly backend: BackendId; readonly tokens: number }
  | { readonly type: "ended"; readonly how: Ending; readonly stats: Stats }
  /** A training runs on this device: from its start, or from where it was carried. */
  | { readonly type: "training"; readonly device: string; readonly guessLoss: number }
  /** The steps since the last report. */
  | {
      readonly type: "steps";
      readonly done: number;
      readonly losses: readonly number[];
      readonly perSecond: number | undefined;
    }
  | { readonly type: "trained"; readonly how: Ending }
  | { readonly type: "examined"; readonly scores: readonly Score[]; readonly answers: readonly Answer[] }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string };
