import type { SequenceOptions } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import type { ChatMessage, Tool } from "../message.ts";

/** How an answer is picked, and when it ends: names and rules of `SequenceOptions`, where not said otherwise. */
export interface AnswerOptions extends Pick<
  SequenceOptions,
  | "temperature"
  | "topK"
  | "topP"
  | "minP"
  | "repetitionPenalty"
  | "frequencyPenalty"
  | "presencePenalty"
  | "logitBias"
  | "allow"
  | "stop"
  | "signal"
> {
  /** Tokens of an answer, at most. Default 1024. */
  readonly maxTokens?: number | undefined;
  /** Equal seeds give equal answers to equal conversations. Default: a fresh seed for each answer. */
  readonly seed?: number | undefined;
  /** Called while the prompt is read, with the positions that are read and their number. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Options of a `ChatSession`. Those of `AnswerOptions` are the defaults of its answers. */
export interface ChatOptions extends Omit<AnswerOptions, "signal" | "onProgress"> {
  /** The system message. It comes before `messages`, which then begin with none. */
  readonly system?: string | undefined;
  /** Tools that the model may call, where its template knows tools. */
  readonly tools?: readonly Tool[] | undefined;
  /** The conversation so far. It is read with the first answer, or by `prepare`. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /** A Jinja template instead of the model's. */
  readonly template?: string | undefined;
  /** Variables of the template, such as `documents` or `enable_thinking`. */
  readonly variables?: JsonObject | undefined;
  /** Positions of the conversation, at most: more is ChatError `LENGTH`. Default: no bound but the memory. */
  readonly maxLength?: number | undefined;
  /**
   * Checkpoints of the state that are kept, at the ends of messages and prompts: edits, regenerations and forks go back to them.
   * Each takes the memory of one state, less its keys and values. Default 8.
   */
  readonly keep?: number | undefined;
}

/** How a session reads ahead. */
export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the positions that are read and their number. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** How a session is saved. */
export interface SaveOptions {
  /**
   * The newest checkpoints that are saved, at most: with 3 a restored session regenerates its last answer and edits the last message
   * of the user as cheaply as before. Each takes the bytes of one state, less its keys and values. Default 3.
   */
  readonly checkpoints?: number | undefined;
}

/** Options of a restored session. The rest is saved: its messages, tools, variables, and the option `template`. */
export type RestoreOptions = Omit<ChatOptions, "system" | "tools" | "messages" | "template" | "variables">;
