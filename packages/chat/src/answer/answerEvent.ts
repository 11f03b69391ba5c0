import type { ToolCall } from "../message.ts";

/** A part of an answer, in the order in which the model writes it. The texts of neighbouring events of one type belong together. */
export type AnswerEvent =
  | { readonly type: "text"; readonly text: string }
  /** Text before the answer, of models that reason. */
  | { readonly type: "reasoning"; readonly text: string }
  /** A whole call. What the model calls in no valid form stays text. */
  | { readonly type: "toolCall"; readonly call: ToolCall };
