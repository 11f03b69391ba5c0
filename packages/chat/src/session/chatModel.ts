import type { MambaLM, Tokenizer } from "@mamba/core";

/** A model to chat with. A `LoadedCheckpoint` of `@mamba/checkpoint` is one. */
export interface ChatModel {
  readonly model: MambaLM;
  /** Undefined where the files of the model have none: `ChatSession` then throws ChatError `NO_TEMPLATE`. */
  readonly tokenizer: (Tokenizer & { readonly chatTemplates: ReadonlyMap<string, string> }) | undefined;
  /** Ids that end an answer, beside those of the tokenizer. */
  readonly stopIds?: readonly number[] | undefined;
}
