import type { MambaLM } from "@mamba/core";
import type { ChatTokenizer } from "../encode/chatTokenizer.ts";

/** A model to chat with. A `LoadedCheckpoint` of `@mamba/checkpoint` is one. */
export interface ChatModel {
  readonly model: MambaLM;
  /** Undefined where the files of the model have none: `ChatSession` then throws ChatError `NO_TEMPLATE`. */
  readonly tokenizer: ChatTokenizer | undefined;
  /** Ids that end an answer, beside those of the tokenizer. */
  readonly stopIds?: readonly number[] | undefined;
}
