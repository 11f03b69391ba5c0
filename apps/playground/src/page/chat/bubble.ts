import type { AnswerPart, ShownCall, ShownMessage } from "../../protocol.ts";
import { make } from "../dom.ts";

/** Actions on one message. */
export interface BubbleActions {
  edit(text: string): void;
  retry(): void;
  choose(version: number): void;
}

const names = { user: "You", assistant: "Model", tool: "Tool" } as const;

/** One message of the conversation. Texts of models are text, never HTML. */
export class Bubble {
  readonly element: HTMLElement;
  readonly #content: HTMLElement;
  readonly #reasoning = make("p");
  readonly #details: HTMLDetailsElement;
  readonly #bar: HTMLElement;

  /** @param actions undefined for a message that is still coming */
  constructor(message: ShownMessage, actions: BubbleActions | undefined, isLast: boolean) {
    const { role, content, reasoning, calls } = message;
    this.#content = make("p", { className: "content", textContent: content });
    const summary = make("summary", { textContent: "Reasoning" });
    this.#details = make(
      "details",
      { className: "reasoning", hidden: reasoning === "" },
      summary,
      this.#reasoning,
    );
    this.#reasoning.textContent = reasoning;
    this.#bar = make("div", { className: "bubble-bar" });
    const name = make("h3", { textContent: names[role] });
    this.element = make(
      "article",
      { className: `bubble ${role}` },
      name,
      this.#details,
      this.#content,
      this.#bar,
    );
    for (const call of calls) this.#bar.before(callElement(call));
    if (actions) this.#addButtons(message, actions, isLast);
  }

  /** Adds a part of an answer that is coming. */
  add(part: AnswerPart): void {
    if (part.type === "call") this.#bar.before(callElement(part.call));
    else {
      const target = part.type === "text" ? this.#content : this.#reasoning;
      this.#details.hidden &&= part.type !== "reasoning";
      const { lastChild } = target;
      if (lastChild instanceof Text) lastChild.appendData(part.text);
      else target.append(part.text);
    }
  }

  #addButtons(message: ShownMessage, actions: BubbleActions, isLast: boolean): void {
    const { role, content, version, versions } = message;
    const button = (textContent: string, act: () => void): void => {
      const made = make("button", { type: "button", textContent, ariaLabel: `${textContent} this message` });
      made.addEventListener("click", act);
      this.#bar.append(made);
    };
    button("Copy", () => void navigator.clipboard.writeText(content));
    if (role === "user") button("Edit", () => this.#edit(content, actions));
    if (role === "assistant" && isLast) button("Retry", () => actions.retry());
    if (role === "user" && isLast) button("Answer", () => actions.retry());
    // At the end: the other buttons stay under the pointer.
    if (versions > 1) this.#bar.append(versionSwitch(version, versions, actions));
  }

  /** Shows a field with the message instead of its text. */
  #edit(content: string, actions: BubbleActions): void {
    const field = make("textarea", { value: content, required: true, ariaLabel: "Edit the message" });
    field.rows = Math.min(10, content.split("\n").length + 1);
    const save = make("button", { type: "submit", className: "primary", textContent: "Send again" });
    const cancel = make("button", { type: "button", textContent: "Cancel" });
    const form = make("form", { className: "edit" }, field, make("div", { className: "row" }, save, cancel));
    const close = (): void => {
      form.replaceWith(this.#content);
      this.#bar.hidden = false;
      this.#bar.querySelector<HTMLButtonElement>("button[aria-label^=Edit]")?.focus();
    };
    cancel.addEventListener("click", close);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.edit(field.value);
    });
    this.#bar.hidden = true;
    this.#content.replaceWith(form);
    field.focus();
  }
}

/** ‹ 2 / 3 › */
function versionSwitch(version: number, versions: number, actions: BubbleActions): HTMLElement {
  const step = (textContent: string, ariaLabel: string, to: number): HTMLButtonElement => {
    const made = make("button", {
      type: "button",
      textContent,
      ariaLabel,
      disabled: to < 0 || to >= versions,
    });
    made.addEventListener("click", () => actions.choose(to));
    return made;
  };
  const place = make("span", { textContent: `${version + 1} / ${versions}` });
  return make(
    "span",
    { className: "versions" },
    step("‹", "Version before", version - 1),
    place,
    step("›", "Version after", version + 1),
  );
}

function callElement({ name, arguments: given }: ShownCall): HTMLElement {
  const code = make("code", { textContent: `${name}(${given})` });
  return make("pre", { className: "call", tabIndex: 0, ariaLabel: `Call of the tool ${name}` }, code);
}
