import type { ChatMessage, ChatSession } from "@mamba/chat";
import type { MessageChange } from "./protocol.ts";

/** A conversation of a worker, and the messages that the thread knows of. */
export class ServedChat {
  readonly session: ChatSession;
  readonly #chat: number;
  #known: readonly ChatMessage[] = [];

  constructor(chat: number, session: ChatSession) {
    this.#chat = chat;
    this.session = session;
  }

  /** The change since the last call. */
  change(): MessageChange {
    const messages = [...this.session.messages];
    const changed = messages.findIndex((message, i) => message !== this.#known[i]);
    const kept = changed === -1 ? messages.length : changed;
    this.#known = messages;
    return { chat: this.#chat, kept, added: messages.slice(kept) };
  }
}
