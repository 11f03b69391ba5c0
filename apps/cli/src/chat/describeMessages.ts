import type { ChatMessage } from "@mamba/chat";
import { withoutControls } from "../program/host.ts";
import { onOneLine } from "./joinLines.ts";
import { describeCall } from "./printAnswer.ts";

/** The messages of a conversation, numbered from 1, one on a line of at most so many columns. */
export function describeMessages(messages: readonly ChatMessage[], columns: number): string {
  const width = String(messages.length).length;
  return messages
    .map((message, i) => {
      const calls = callsOf(message).map((call) => `call ${describeCall(call)}`);
      const text = [message.content, ...calls].filter((part) => part !== "").join(" ");
      const head = `${String(i + 1).padStart(width)} ${message.role}: `;
      return head + cut(withoutControls(onOneLine(text).replaceAll("\t", " ")), columns - head.length - 1);
    })
    .join("\n");
}

/** A message with its reasoning and its calls. */
export function describeWholeMessage(message: ChatMessage): string {
  const { role, content } = message;
  const reasoning = role === "assistant" ? message.reasoning : undefined;
  const parts = [
    ...(reasoning === undefined ? [] : [`[reasoning]\n${reasoning}\n[end of reasoning]`]),
    ...(content === "" ? [] : [content]),
    ...callsOf(message).map((call) => `call ${describeCall(call)}`),
  ];
  return withoutControls(`${role}:\n${parts.join("\n")}`);
}

function callsOf(message: ChatMessage) {
  return (message.role === "assistant" ? message.toolCalls : undefined) ?? [];
}

/** The beginning of a text. A wide character counts as one, so that lines may wrap. */
function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= Math.max(8, length)
    ? text
    : `${characters.slice(0, Math.max(8, length) - 1).join("")}…`;
}
