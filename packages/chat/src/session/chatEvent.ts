import type { AnswerEvent } from "../answer/answerEvent.ts";
import type { ChatMessage } from "../message.ts";

/** Tokens that an answer took. `promptTokens` is `cachedTokens` and `readTokens`. */
export interface ChatUsage {
  /** Ids of the conversation up to the answer. */
  readonly promptTokens: number;
  /** The ones of them that the state had read already. */
  readonly cachedTokens: number;
  /** The ones of them that the model read for this answer. */
  readonly readTokens: number;
  /** Ids that the model generated, with the one that ended the answer. */
  readonly answerTokens: number;
}

/** The end of an answer. */
export interface AnswerEnd {
  readonly type: "end";
  /** "stop": the model ended it, or a stop string. "length": `maxTokens`. "toolCalls": it ended and calls tools. */
  readonly finish: "stop" | "length" | "toolCalls";
  /** The answer as the session keeps it. */
  readonly message: ChatMessage & { readonly role: "assistant" };
  readonly usage: ChatUsage;
}

/** A part of an answer, or its end, which comes last. */
export type ChatEvent = AnswerEvent | AnswerEnd;
