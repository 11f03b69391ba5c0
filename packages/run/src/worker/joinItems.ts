import type { ChatEvent } from "@mamba/chat";
import type { GeneratedText } from "./workerModel.ts";

/** Two neighbouring parts of a text as one. */
export function joinTexts(last: GeneratedText, next: GeneratedText): GeneratedText {
  return { ...next, text: last.text + next.text, ids: [...last.ids, ...next.ids] };
}

/** Two neighbouring events of one kind of text as one; undefined for others. */
export function joinEvents(last: ChatEvent, next: ChatEvent): ChatEvent | undefined {
  if (last.type === "text" && next.type === "text") return { type: "text", text: last.text + next.text };
  if (last.type === "reasoning" && next.type === "reasoning")
    return { type: "reasoning", text: last.text + next.text };
  return undefined;
}
