import { ChatError, type ChatMessage, type ChatModel, ChatSession } from "@mamba/chat";
import { keptStates } from "../fit/memoryNeed.ts";

/** Versions of the conversation whose states are kept, beside the shown one. */
const mostParked = 2;

/** The sessions of one conversation on one loaded model: the shown version, and the versions that were shown last. */
export class Sessions implements Disposable {
  readonly #model: ChatModel;
  #current: ChatSession;
  #parked: ChatSession[] = [];

  /** @throws ChatError `NO_TEMPLATE`, `TEMPLATE` when the model cannot chat */
  constructor(model: ChatModel, system: string, messages: readonly ChatMessage[]) {
    this.#model = model;
    this.#current = open(model, system, messages);
  }

  get current(): ChatSession {
    return this.#current;
  }

  /** The messages of the shown version, without the system prompt. */
  get messages(): readonly ChatMessage[] {
    return this.#current.messages.filter(({ role }) => role !== "system");
  }

  get system(): string {
    return this.#current.messages.find(({ role }) => role === "system")?.content ?? "";
  }

  /** Goes on from a saved session, when it has the messages of the shown version. */
  async restore(bytes: Uint8Array): Promise<void> {
    let restored: ChatSession;
    try {
      restored = await ChatSession.restore(this.#model, bytes, { keep: keptStates });
    } catch (error) {
      if (ChatError.is(error, "SAVED")) return; // of an earlier version of the page: the messages are read again
      throw error;
    }
    const isSame = equal(restored.messages, this.#current.messages);
    (isSame ? this.#current : restored).dispose();
    if (isSame) this.#current = restored;
  }

  /** Shows these messages: with the state of a version that has them, or else the model reads them with the next answer. */
  show(system: string, messages: readonly ChatMessage[]): void {
    if (system === this.system && equal(messages, this.messages)) return;
    const found = this.#parked.findIndex(
      (parked) =>
        equal(
          parked.messages.filter(({ role }) => role !== "system"),
          messages,
        ) && systemOf(parked) === system,
    );
    const next = found >= 0 ? this.#parked.splice(found, 1)[0] : undefined;
    const last = this.#current;
    this.#current = next ?? open(this.#model, system, messages);
    this.#park(last);
  }

  /** Keeps the state of the shown version, before an edit or a retry replaces it. */
  keep(): void {
    this.#park(this.#current.fork());
  }

  [Symbol.dispose](): void {
    for (const session of [this.#current, ...this.#parked]) session.dispose();
  }

  #park(session: ChatSession): void {
    this.#parked.push(session);
    while (this.#parked.length > mostParked) this.#parked.shift()?.dispose();
  }
}

function open(model: ChatModel, system: string, messages: readonly ChatMessage[]): ChatSession {
  return new ChatSession(model, { ...(system !== "" && { system }), messages, keep: keptStates });
}

function systemOf({ messages }: ChatSession): string {
  return messages.find(({ role }) => role === "system")?.content ?? "";
}

function equal(a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
