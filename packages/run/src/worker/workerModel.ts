import type {
  AnswerOptions,
  ChatEvent,
  ChatMessage,
  ChatOptions,
  PrepareOptions,
  RestoreOptions,
  SaveOptions,
} from "@mamba/chat";
import type { GenerateOptions } from "@mamba/core";
import type { ModelAbout } from "../model/about.ts";
import type { OpenOptions } from "../model/options.ts";

/** Node's `Worker`, as far as it is used. */
export interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly never[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

/** A browser's `Worker`, as far as it is used. */
export interface WebWorker {
  postMessage(message: unknown, transfer: never[]): void;
  addEventListener(type: string, listener: (event: object) => void): void;
  terminate(): void;
}

/** A worker of a browser or of Node. */
export type WorkerLike = WebWorker | NodeWorker;

/** Options of `openInWorker`. */
export interface OpenInWorkerOptions extends OpenOptions {
  /**
   * The worker that computes: its script imports `@mamba/run/worker`. It belongs to the model from then on and ends with it, also when the model does not open. Needed in browsers, where
   * bundlers must see `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })`. Default in Node: a new worker.
   */
  readonly worker?: WorkerLike | undefined;
  /**
   * Move bytes in the source or adapter to the worker, instead of a copy: the caller's arrays are empty afterwards. Default
   * false. A `Blob` or `File` is never copied.
   */
  readonly transfer?: boolean | undefined;
}

/** Options of `WorkerModel.generate`: those of `generate` that are data. A text of one prompt. */
export type WorkerGenerateOptions = Omit<
  GenerateOptions,
  "tokenizer" | "allow" | "processLogits" | "checkpoints"
> & {
  /** The ids that may be chosen. A function cannot be sent to a worker. */
  readonly allow?: Exclude<GenerateOptions["allow"], (...args: never) => unknown>;
};

/** Tokens of a text. Tokens that come faster than they are read are joined. */
export interface GeneratedText {
  readonly text: string;
  readonly ids: readonly number[];
  /** Given as option `seed`, it repeats the text. */
  readonly seed: number;
  /** Why the text ends with these tokens. */
  readonly finish?: "stop" | "length";
}

/** Memory that a model uses in its worker. */
export interface MemoryUse {
  /** Bytes of weights and states on the backend. */
  readonly bytes: number;
  /** Tensors on the backend. */
  readonly tensors: number;
}

/** A model in a worker. The caller's thread neither computes nor splits text into tokens. */
export interface WorkerModel extends AsyncDisposable {
  readonly about: ModelAbout;
  /**
   * Generates a text. Leaving the loop or the signal ends it in the worker.
   *
   * @throws RunError `OPTIONS`, `DISPOSED`, `WORKER`; the errors of `generate`; the signal's reason
   */
  generate(
    prompt: string | readonly number[],
    options?: WorkerGenerateOptions,
  ): AsyncGenerator<GeneratedText, void, undefined>;
  /**
   * Begins a conversation in the worker.
   *
   * @throws ChatError as `ChatSession`; RunError `OPTIONS`, `DISPOSED`, `WORKER`
   */
  chat(options?: ChatOptions): Promise<WorkerChat>;
  /** Goes on with a conversation that `WorkerChat.save` or `ChatSession.save` wrote. */
  restoreChat(bytes: Uint8Array, options?: RestoreChatOptions): Promise<WorkerChat>;
  memory(): Promise<MemoryUse>;
  /** Frees the model and ends its worker. Requests that wait reject with `DISPOSED`. */
  dispose(): Promise<void>;
}

/** Options of `WorkerModel.restoreChat`. */
export interface RestoreChatOptions extends RestoreOptions {
  /** Move the bytes to the worker instead of a copy: the caller's array is empty afterwards. Default false. */
  readonly transfer?: boolean | undefined;
}

/** A conversation in a worker: `ChatSession` with promises. */
export interface WorkerChat extends AsyncDisposable {
  /** The messages, the system prompt included, as after the last request that ended. */
  readonly messages: readonly ChatMessage[];
  /** Reads the messages that are there, such as a long system prompt. */
  prepare(options?: PrepareOptions): Promise<void>;
  /** Sends a message and streams the answer. Text events that come faster than they are read are joined. */
  send(
    message: string | ChatMessage | readonly ChatMessage[],
    options?: AnswerOptions,
  ): AsyncGenerator<ChatEvent, void, undefined>;
  /** Streams another answer to the last user message. */
  regenerate(options?: AnswerOptions): AsyncGenerator<ChatEvent, void, undefined>;
  /** Replaces the content of a message and drops those after it. Answers when it is one of the user or of a tool; other streams are empty. */
  edit(index: number, content: string, options?: AnswerOptions): AsyncGenerator<ChatEvent, void, undefined>;
  /** An independent conversation with the same messages, up to message `index`. */
  fork(index?: number): Promise<WorkerChat>;
  /** The conversation as bytes, for `restoreChat`. */
  save(options?: SaveOptions): Promise<Uint8Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}
