import type { BackendChoice, BackendId, Command } from "../protocol.ts";
import { element, make } from "./dom.ts";

const list = element("backends", HTMLFieldSetElement);

/** The card of backends: the device of each, or the reason why it is unavailable and a remedy. */
export class Backends {
  readonly #send: (command: Command) => void;
  #choices: readonly BackendChoice[] = [];
  #current: BackendId | undefined;

  constructor(send: (command: Command) => void) {
    this.#send = send;
  }

  show(choices: readonly BackendChoice[]): void {
    this.#choices = choices;
    list.replaceChildren(...[...list.children].slice(0, 1), ...choices.map((choice) => this.#choice(choice)));
  }

  /** Marks the current backend. */
  setCurrent(id: BackendId | undefined = this.#current): void {
    this.#current = id;
    for (const input of list.querySelectorAll("input")) input.checked = input.value === id;
  }

  labelOf(id: BackendId): string {
    return this.#choices.find((choice) => choice.id === id)?.label ?? id;
  }

  #choice({ id, label, availability }: BackendChoice): HTMLElement {
    const input = make("input", { type: "radio", name: "backend", id: `backend-${id}`, value: id });
    input.disabled = !availability.ok;
    input.addEventListener("change", () => this.#send({ type: "backend", id }));
    const words = availability.ok
      ? `${availability.device}${availability.software ? " (a software GPU, which runs on the CPU: slow)" : ""}`
      : `Not available: ${availability.reason}. Remedy: ${availability.remedy}.`;
    const about = make("p", { id: `about-${id}`, textContent: words });
    input.setAttribute("aria-describedby", about.id);
    const className = availability.ok ? "choice" : "choice off";
    return make("div", { className }, input, make("label", { htmlFor: input.id, textContent: label }), about);
  }
}
