import type {
  AnswerPart,
  AnswerStats,
  ChatSettings,
  Command,
  Conversation,
  Ending,
  Work,
} from "../../protocol.ts";
import { inMegabytes } from "../../size.ts";
import { element, passFocus } from "../dom.ts";
import { readSettings } from "../settings.ts";
import { announce, speedOf } from "../status.ts";
import { openTab } from "../tabs.ts";
import { Bubble } from "./bubble.ts";

const room = element("chat-room", HTMLElement);
const noModel = element("chat-no-model", HTMLElement);
const problem = element("chat-problem", HTMLElement);
const problemText = element("chat-problem-text", HTMLElement);
const messages = element("messages", HTMLElement);
const settings = element("chat-settings", HTMLFormElement);
const system = element("system", HTMLTextAreaElement);
const form = element("compose", HTMLFormElement);
const message = element("message", HTMLTextAreaElement);
const sendButton = element("send", HTMLButtonElement);
const stopButton = element("chat-stop", HTMLButtonElement);
const clearButton = element("clear", HTMLButtonElement);
const figures = {
  speed: element("chat-speed", HTMLElement),
  first: element("chat-first", HTMLElement),
  tokens: element("chat-tokens", HTMLElement),
  prompt: element("chat-prompt", HTMLElement),
  memory: element("chat-memory", HTMLElement),
};

/** The panel of the conversation: its messages, a field for the next one, and the speed of answers. */
export class ChatPanel {
  readonly #send: (command: Command) => void;
  #work: Work | undefined;
  /** The answer that is coming, once it has begun. */
  #coming: Bubble | undefined;
  #answered = "";

  constructor(send: (command: Command) => void) {
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    message.addEventListener("keydown", (event) => {
      // The keyboard of a phone has no other key for a new line.
      const isPhone = matchMedia("(pointer: coarse)").matches;
      const isSend = event.key === "Enter" && !event.shiftKey && !event.isComposing && !isPhone;
      if (!isSend && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
      event.preventDefault();
      form.requestSubmit();
    });
    stopButton.addEventListener("click", () => send({ type: "stop" }));
    clearButton.addEventListener("click", () => {
      send({ type: "clear" });
      message.focus();
    });
    element("chat-to-write", HTMLButtonElement).addEventListener("click", () => openTab("tab-write"));
  }

  setModel(hasModel: boolean): void {
    noModel.hidden = hasModel;
  }

  setBusy(work: Work | undefined): void {
    passFocus(work === "chat", sendButton, stopButton);
    this.#work = work;
    sendButton.disabled = clearButton.disabled = work !== undefined;
    stopButton.disabled = work !== "chat";
    for (const button of messages.querySelectorAll("button"))
      button.dataset["busy"] = String(work !== undefined);
    messages.setAttribute("aria-busy", String(work === "chat")); // announced when it is complete
  }

  /** Shows the conversation; undefined when there is none to have. */
  show(conversation: Conversation | undefined, reason: string | undefined): void {
    problem.hidden = reason === undefined;
    problemText.textContent = reason ?? "";
    room.hidden = conversation === undefined;
    this.#coming = undefined;
    if (!conversation) return;
    if (document.activeElement !== system) system.value = conversation.system;
    clearButton.hidden = conversation.messages.length === 0;
    const focused = messages.contains(document.activeElement) && document.activeElement !== messages;
    const last = conversation.messages.length - 1;
    const bubbles = conversation.messages.map((shown, index) => {
      const actions = {
        edit: (text: string) => this.#act({ type: "edit", index, text, settings: readChatSettings() }),
        retry: () => this.#act({ type: "retry", settings: readChatSettings() }),
        choose: (version: number) => this.#act({ type: "version", index, version }),
      };
      return new Bubble(shown, actions, index === last).element;
    });
    messages.replaceChildren(...bubbles);
    messages.scrollTop = messages.scrollHeight;
    if (focused) messages.focus({ preventScroll: true }); // its button is gone
  }

  /** Adds parts of the answer that is coming. */
  add(parts: readonly AnswerPart[], stats: AnswerStats): void {
    // Scroll along only if the end is visible.
    const follow = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
    if (!this.#coming) {
      const empty = {
        role: "assistant",
        content: "",
        reasoning: "",
        calls: [],
        version: 0,
        versions: 1,
      } as const;
      this.#coming = new Bubble(empty, undefined, true);
      this.#coming.element.classList.add("coming");
      messages.append(this.#coming.element);
      this.#answered = "";
    }
    for (const part of parts) {
      this.#coming.add(part);
      if (part.type === "text") this.#answered += part.text;
    }
    if (follow) messages.scrollTop = messages.scrollHeight;
    showStats(stats);
  }

  showEnd(ending: Ending, stats: AnswerStats | undefined): void {
    if (stats) showStats(stats);
    const ends = { stop: "Answered", length: "The answer has reached the most tokens", stopped: "Stopped" };
    announce(`${ends[ending]}. ${this.#answered}`);
    this.#answered = "";
  }

  #submit(): void {
    if (sendButton.disabled || !settings.reportValidity()) return;
    const text = message.value.trim();
    if (text === "") return;
    this.#act({ type: "send", text, settings: readChatSettings() });
    message.value = "";
  }

  #act(command: Command): void {
    if (this.#work !== undefined || !settings.reportValidity()) return;
    if (command.type !== "version") announce("Answering.");
    this.#send(command);
  }
}

function readChatSettings(): ChatSettings {
  return { ...readSettings(), system: system.value.trim() };
}

function showStats({ tokens, tokensPerSecond, firstTokenMs, prompt, memoryBytes }: AnswerStats): void {
  figures.speed.textContent = speedOf(tokensPerSecond);
  figures.first.textContent =
    firstTokenMs < 1000 ? `${Math.round(firstTokenMs)} ms` : `${(firstTokenMs / 1000).toFixed(1)} s`;
  figures.tokens.textContent = `${tokens} tokens`;
  figures.prompt.textContent = prompt ? `${prompt.read} read, ${prompt.cached} cached` : "–";
  figures.memory.textContent = inMegabytes(memoryBytes);
}
