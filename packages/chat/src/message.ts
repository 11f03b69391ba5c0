import type { JsonObject } from "@mamba/core/safetensors";

/** A call of a tool that a model asks for. */
export interface ToolCall {
  /** Tells calls of one conversation apart. Made here, since most models give none. */
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: an object, or its text where it is not one. */
  readonly arguments: JsonObject | string;
}

/** One message of a conversation, in the form that chat templates take. */
export type ChatMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | {
      readonly role: "assistant";
      readonly content: string;
      /** The text before the answer, of models that reason. */
      readonly reasoning?: string | undefined;
      readonly toolCalls?: readonly ToolCall[] | undefined;
    }
  /** The result of a tool call. */
  | {
      readonly role: "tool";
      readonly content: string;
      readonly toolCallId?: string | undefined;
      readonly name?: string | undefined;
    };

/** A tool that a model may call, in OpenAI's form without the wrapper `{ type: "function" }`. */
export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments. */
  readonly parameters?: JsonObject | undefined;
}
