import { ChatError } from "../errors.ts";
import type { ChatMessage } from "../message.ts";
import { copied } from "./copied.ts";

/** The messages that `send` takes, as copies. */
export function newMessages(message: string | ChatMessage | readonly ChatMessage[]): readonly ChatMessage[] {
  if (typeof message === "string") return [{ role: "user", content: message }];
  const given = Array.isArray(message) ? (message as readonly ChatMessage[]) : [message as ChatMessage];
  const list = copied(given, "messages");
  if (list.length > 0) return list;
  throw new ChatError("MESSAGES", "send: expected at least one message, got none");
}

/** The conversation before its last answer. */
export function withoutAnswer(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const rest = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  if (rest.some(({ role }) => role === "user")) return rest;
  throw new ChatError("MESSAGES", "regenerate: there is no message of the user to answer");
}

/** The conversation with another text of message `index`: without the messages after it, unless it is a system message. */
export function editedMessages(
  messages: readonly ChatMessage[],
  index: number,
  content: string,
): readonly ChatMessage[] {
  const message = messageAt(messages, index);
  if (!message) throw noMessage("edit", index, messages.length);
  if (typeof content !== "string") {
    throw new ChatError("MESSAGES", `edit: the content must be a string, got ${typeof content}`);
  }
  // The reasoning and the calls of an answer belong to its old text.
  const edited: ChatMessage =
    message.role === "assistant" ? { role: "assistant", content } : { ...message, content };
  const after = message.role === "system" ? messages.slice(index + 1) : [];
  return [...messages.slice(0, index), edited, ...after];
}

/** Message `index`, for callers without types too: an index that is no whole number names none. */
export function messageAt(messages: readonly ChatMessage[], index: number): ChatMessage | undefined {
  return Number.isInteger(index) ? messages[index] : undefined;
}

export function noMessage(method: string, index: number, count: number): ChatError {
  return new ChatError(
    "MESSAGES",
    `${method}: there is no message ${String(index)}, the session has ${count}`,
  );
}
