import type { Command, LoadedModel, StoredModel } from "../protocol.ts";
import { element, make, megabytes } from "./dom.ts";
import type { DropTarget } from "./drops.ts";

const stored = element("stored", HTMLFieldSetElement);
const noModel = element("no-model", HTMLElement);
const about = element("model-about", HTMLElement);
const add = element("add", HTMLDetailsElement);
const form = element("fetch", HTMLFormElement);
const url = element("url", HTMLInputElement);
const drop = element("drop", HTMLElement);
const files = element("files", HTMLInputElement);
const demo = element("demo", HTMLButtonElement);

/** URL of the demo model, which may be served beside the page. */
const demoUrl = new URL("demo/", document.baseURI).href;

/** The card of models: the stored ones, and the three ways to add one. */
export class Models {
  readonly #send: (command: Command) => void;
  #models: readonly StoredModel[] = [];
  #loadedId: string | undefined;
  #hasDemo = false;

  constructor(send: (command: Command) => void) {
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#fetch(url.value.trim());
    });
    demo.addEventListener("click", () => send({ type: "fetch", url: demoUrl, name: "Story model" }));
    files.addEventListener("change", () => {
      this.#store([...(files.files ?? [])]);
      files.value = ""; // the same files can be chosen again
    });
    void this.#lookForDemo();
  }

  get dropTarget(): DropTarget {
    return { zone: drop, isActive: () => !files.disabled, take: (dropped) => this.#store(dropped) };
  }

  /** Shows the stored models. The form that adds one is closed when there are some. */
  showStored(models: readonly StoredModel[]): void {
    if (models.length > 0 !== this.#models.length > 0) add.open = models.length === 0;
    this.#models = models;
    // Redrawing removes the focused element.
    const focused = stored.contains(document.activeElement);
    stored.replaceChildren(
      ...[...stored.children].slice(0, 1),
      ...models.map((model) => this.#choice(model)),
    );
    stored.hidden = models.length === 0;
    noModel.hidden = models.length > 0;
    if (focused) (stored.querySelector("input") ?? add.querySelector("summary"))?.focus();
    this.#showDemo();
  }

  /** Shows the model that is ready. */
  showLoaded(model: LoadedModel | undefined): void {
    this.#loadedId = model?.id;
    about.hidden = model === undefined;
    about.textContent = model ? [model.description, ...model.notes].join("\n\n") : "";
  }

  /** Disables adding and choosing while the worker is busy. */
  setBusy(busy: boolean): void {
    for (const field of [stored, files, demo]) field.disabled = busy;
    for (const field of form.elements) (field as HTMLInputElement).disabled = busy;
    if (!busy) this.#check();
  }

  /** Marks the loaded model, also after a choice that failed. */
  #check(): void {
    for (const input of stored.querySelectorAll("input")) input.checked = input.value === this.#loadedId;
  }

  #choice({ id, name, bytes }: StoredModel): HTMLElement {
    const input = make("input", { type: "radio", name: "model", id: `model-${id}`, value: id });
    input.checked = id === this.#loadedId;
    input.addEventListener("change", () => this.#send({ type: "use", id }));
    const remove = make("button", { type: "button", textContent: "Delete", ariaLabel: `Delete ${name}` });
    remove.addEventListener("click", () => this.#send({ type: "delete", id }));
    const label = make("label", { htmlFor: input.id, textContent: name });
    const size = make("p", { textContent: megabytes(bytes), id: `size-${id}` });
    input.setAttribute("aria-describedby", size.id);
    return make("div", { className: "choice" }, input, label, remove, size);
  }

  #fetch(text: string): void {
    try {
      const { href, pathname } = new URL(text, document.baseURI);
      const isComplete = href.endsWith("/") || /\.gguf$/i.test(pathname);
      this.#send({ type: "fetch", url: isComplete ? href : `${href}/` });
    } catch {
      url.setCustomValidity("This is not a URL");
      url.reportValidity();
      url.addEventListener("input", () => url.setCustomValidity(""), { once: true });
    }
  }

  #store(chosen: readonly File[]): void {
    if (chosen.length > 0) this.#send({ type: "store", files: chosen });
  }

  /** Checks for a demo model. The page works without one, so its absence is not an error. */
  async #lookForDemo(): Promise<void> {
    const response = await fetch(new URL("config.json", demoUrl)).catch(() => undefined);
    await response?.body?.cancel();
    this.#hasDemo = response?.ok ?? false;
    this.#showDemo();
  }

  #showDemo(): void {
    demo.hidden = !this.#hasDemo || this.#models.some((model) => model.url === demoUrl);
  }
}
