// The protocol between a thread and a worker that holds a model. This file is the whole of it; `parseRequest` checks it.
//
// The thread sends requests, each with an `id` of its own, which counts up. The worker answers a request with any number of reports of
// that id, of which "done", "failed" or "aborted" is the last. The first request is "open"; it opens the one model of the worker. The
// thread chooses the numbers of conversations (`chat`), so that it can use one before the answer to "chat" is there.
//
// A stream ("generate", "send", "regenerate", "edit") gives reports "items". The worker sends at most `windowSize` of them that the thread
// has not taken. Meanwhile it generates up to `mostWaiting` further tokens, which it joins to one report, and then waits. So a slow
// reader bounds the work ahead of it, and a fast one gets a report for each token.
//
// "abort" ends a request that runs, which is then answered with "aborted" unless it has ended already. "close" aborts all requests
// and frees the model. A message that is no request is answered with "refused", or with "failed" where it has an id, and
// changes nothing else.

import type {
  AnswerOptions,
  ChatEvent,
  ChatMessage,
  ChatOptions,
  RestoreOptions,
  SaveOptions,
} from "@mamba/chat";
import type { ModelAbout } from "../model/about.ts";
import type { ModelSource, OpenOptions, OpenProgress } from "../model/options.ts";
import type { SentError } from "./sentError.ts";
import type { GeneratedText, MemoryUse, WorkerGenerateOptions } from "./workerModel.ts";

/** Version of the protocol: raised when a message changes its meaning. */
export const protocolVersion = 1;

/** Reports "items" that a worker sends ahead of the reader. */
export const windowSize = 2;

/** Tokens or events that wait in the worker, at most, before it stops generating. */
export const mostWaiting = 32;

type Sent<T> = Omit<T, "signal" | "onProgress">;

/** Options of `openModel` that are data. */
export type SentOpenOptions = Sent<OpenOptions>;
/** Options of an answer that are data. */
export type SentAnswerOptions = Sent<AnswerOptions>;
/** Options of `generate` that are data. */
export type SentGenerateOptions = Sent<WorkerGenerateOptions>;

/** A message from the thread. */
export type Request =
  | {
      readonly type: "open";
      readonly id: number;
      readonly version: number;
      readonly source: ModelSource;
      readonly options: SentOpenOptions;
      /** Name of a Web Lock that the worker holds while it lives, in browsers: there is no other sign of its end. */
      readonly lock: string;
    }
  | {
      readonly type: "generate";
      readonly id: number;
      readonly prompt: string | readonly number[];
      readonly options: SentGenerateOptions;
    }
  /** Begins the conversation `chat`. */
  | { readonly type: "chat"; readonly id: number; readonly chat: number; readonly options: ChatOptions }
  /** Begins the conversation `chat` with what `save` gave. */
  | {
      readonly type: "restore";
      readonly id: number;
      readonly chat: number;
      readonly bytes: Uint8Array;
      readonly options: RestoreOptions;
    }
  /** Begins the conversation `fork` as a fork of `chat`. */
  | {
      readonly type: "fork";
      readonly id: number;
      readonly chat: number;
      readonly fork: number;
      readonly index?: number | undefined;
    }
  | { readonly type: "prepare"; readonly id: number; readonly chat: number }
  | {
      readonly type: "send";
      readonly id: number;
      readonly chat: number;
      readonly message: string | ChatMessage | readonly ChatMessage[];
      readonly options: SentAnswerOptions;
    }
  | {
      readonly type: "regenerate";
      readonly id: number;
      readonly chat: number;
      readonly options: SentAnswerOptions;
    }
  | {
      readonly type: "edit";
      readonly id: number;
      readonly chat: number;
      readonly index: number;
      readonly content: string;
      readonly options: SentAnswerOptions;
    }
  | { readonly type: "save"; readonly id: number; readonly chat: number; readonly options: SaveOptions }
  /** Frees a conversation. */
  | { readonly type: "leave"; readonly id: number; readonly chat: number }
  | { readonly type: "memory"; readonly id: number }
  | { readonly type: "close"; readonly id: number }
  /** The reader has taken a report "items" of the stream `id`. Not answered. */
  | { readonly type: "taken"; readonly id: number }
  /** Ends the request `id`. Not answered itself. */
  | { readonly type: "abort"; readonly id: number };

/** A kind of request that is answered. */
export type Asked = Exclude<Request, { readonly type: "taken" | "abort" }>;

/** The change of a conversation's messages: the first `kept` ones stay, `added` come after them. */
export interface MessageChange {
  readonly chat: number;
  readonly kept: number;
  readonly added: readonly ChatMessage[];
}

/** The result of each kind of request. */
export interface Results {
  readonly open: ModelAbout;
  readonly generate: undefined;
  readonly chat: undefined;
  readonly restore: undefined;
  readonly fork: undefined;
  readonly prepare: undefined;
  readonly send: undefined;
  readonly regenerate: undefined;
  readonly edit: undefined;
  readonly save: Uint8Array<ArrayBuffer>;
  readonly leave: undefined;
  readonly memory: MemoryUse;
  readonly close: undefined;
}

/** The items that each kind of stream gives. */
export interface Items {
  readonly generate: GeneratedText;
  readonly send: ChatEvent;
  readonly regenerate: ChatEvent;
  readonly edit: ChatEvent;
}

/** A message from the worker. */
export type Report =
  /** The first answer to "open". `isLocked`: the worker holds its lock, and the thread may wait for it. */
  | { readonly type: "opening"; readonly id: number; readonly isLocked: boolean }
  /** Progress of "open". */
  | { readonly type: "progress"; readonly id: number; readonly progress: OpenProgress }
  /** Positions of a prompt that are read, and their number. */
  | { readonly type: "reading"; readonly id: number; readonly done: number; readonly total: number }
  /** Items of a stream: at least one. */
  | { readonly type: "items"; readonly id: number; readonly items: readonly Items[keyof Items][] }
  /** The end of a request, with the last items of a stream. */
  | {
      readonly type: "done";
      readonly id: number;
      readonly result: Results[keyof Results];
      readonly items: readonly Items[keyof Items][];
      readonly messages?: MessageChange | undefined;
    }
  | {
      readonly type: "failed";
      readonly id: number;
      readonly error: SentError;
      readonly messages?: MessageChange | undefined;
    }
  | { readonly type: "aborted"; readonly id: number; readonly messages?: MessageChange | undefined }
  /** A message that is no request, and names none. */
  | { readonly type: "refused"; readonly error: SentError };
