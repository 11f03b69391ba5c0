import { type Command, type Ending, isTraining, type Stats, type Work } from "../protocol.ts";
import { inMegabytes } from "../size.ts";
import { element, make, passFocus } from "./dom.ts";
import { readSettings } from "./settings.ts";
import { announce, speedOf } from "./status.ts";

const panel = element("write", HTMLElement);
const form = element("generate", HTMLFormElement);
const prompt = element("prompt", HTMLTextAreaElement);
const startButton = element("start", HTMLButtonElement);
const stopButton = element("stop", HTMLButtonElement);
const output = element("output", HTMLElement);
const speed = element("speed", HTMLElement);
const tokens = element("tokens", HTMLElement);
const memory = element("memory", HTMLElement);

/** The panel of the text: prompt and settings, the generated text, and its speed. */
export class Writer {
  readonly #send: (command: Command) => void;
  #hasModel = false;
  #work: Work | undefined;
  #written = "";

  constructor(send: (command: Command) => void) {
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    stopButton.addEventListener("click", () => send({ type: "stop" }));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#work !== undefined) send({ type: "stop" });
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !panel.hidden) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
  }

  setModel(hasModel: boolean): void {
    this.#hasModel = hasModel;
    this.#update();
  }

  setBusy(work: Work | undefined): void {
    passFocus(work !== undefined, startButton, stopButton);
    this.#work = work;
    output.classList.toggle("writing", work === "text");
    this.#update();
  }

  add(text: string, stats: Stats): void {
    // Scroll along only if the end is visible.
    const follow = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    const last = output.lastChild;
    if (last instanceof Text) last.appendData(text);
    else output.append(text);
    this.#written += text;
    if (follow) output.scrollTop = output.scrollHeight;
    showStats(stats);
  }

  showMoved(label: string): void {
    const mark = make("span", { className: "moved" });
    mark.dataset["to"] = label;
    output.append(mark);
    announce(`The text continues on: ${label}.`);
  }

  showEnd(ending: Ending, stats: Stats): void {
    showStats(stats);
    const ends = { stop: "The text is complete", length: "All tokens are written", stopped: "Stopped" };
    // One announcement with the whole text, instead of one for each token.
    announce(`${ends[ending]}, ${stats.tokens} tokens. ${this.#written}`);
  }

  #start(): void {
    if (startButton.disabled) return;
    const given = make("span", { className: "given", textContent: prompt.value });
    output.replaceChildren(given);
    this.#written = "";
    announce("Writing.");
    this.#send({ type: "generate", prompt: prompt.value, settings: readSettings() });
  }

  #update(): void {
    startButton.disabled = !this.#hasModel || this.#work !== undefined;
    stopButton.disabled = this.#work === undefined || this.#work === "chat" || isTraining(this.#work);
  }
}

function showStats({ tokens: count, tokensPerSecond, memoryBytes }: Stats): void {
  tokens.textContent = String(count);
  speed.textContent = speedOf(tokensPerSecond);
  memory.textContent = inMegabytes(memoryBytes);
}
