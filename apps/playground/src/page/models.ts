import { memoryBudget, type MemoryBudget } from "../device.ts";
import type { Command, LoadedModel, StorageRoom, StoredModel } from "../protocol.ts";
import { inMegabytes } from "../size.ts";
import { element, make } from "./dom.ts";
import type { DropTarget } from "./drops.ts";

const stored = element("stored", HTMLFieldSetElement);
const noModel = element("no-model", HTMLElement);
const about = element("model-about", HTMLElement);
const storage = element("storage", HTMLElement);
const deviceHint = element("device-hint", HTMLElement);
const add = element("add", HTMLDetailsElement);
const form = element("fetch", HTMLFormElement);
const url = element("url", HTMLInputElement);
const drop = element("drop", HTMLElement);
const files = element("files", HTMLInputElement);

/** The card of models: the stored ones, and the ways to add one. */
export class Models {
  readonly #send: (command: Command) => void;
  #models: readonly StoredModel[] = [];
  #loadedId: string | undefined;
  #room: StorageRoom | undefined;
  #isPersistent: boolean | undefined;
  readonly #offers: readonly Offer[];

  constructor(send: (command: Command) => void) {
    this.#send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#fetch(url.value.trim());
    });
    files.addEventListener("change", () => {
      this.#store([...(files.files ?? [])]);
      files.value = ""; // the same files can be chosen again
    });
    const get = (name: string, from: string): void => this.#add({ type: "fetch", url: from, name });
    this.#offers = [new Offer("chat-demo", "Chat model", get), new Offer("demo", "Story model", get)];
    void this.#askDevice();
  }

  get dropTarget(): DropTarget {
    return { zone: drop, isActive: () => !files.disabled, take: (dropped) => this.#store(dropped) };
  }

  /** Shows the stored models. The form that adds one is closed when there are some. */
  showStored(models: readonly StoredModel[], room: StorageRoom | undefined): void {
    if (models.length > 0 !== this.#models.length > 0) add.open = models.length === 0;
    this.#models = models;
    this.#room = room;
    // Redrawing removes the focused element.
    const focused = stored.contains(document.activeElement);
    stored.replaceChildren(
      ...[...stored.children].slice(0, 1),
      ...models.map((model) => (model.received === undefined ? this.#choice(model) : this.#part(model))),
    );
    stored.hidden = models.length === 0;
    noModel.hidden = models.length > 0;
    if (focused) (stored.querySelector("input") ?? add.querySelector("summary"))?.focus();
    for (const offer of this.#offers) offer.showStored(models);
    this.#showStorage();
  }

  /** Shows the model that is ready. */
  showLoaded(model: LoadedModel | undefined): void {
    this.#loadedId = model?.id;
    about.hidden = model === undefined;
    about.textContent = model ? [model.description, ...model.notes].join("\n\n") : "";
  }

  /** Disables adding and choosing while the worker is busy. */
  setBusy(busy: boolean): void {
    stored.disabled = files.disabled = busy;
    for (const offer of this.#offers) offer.setBusy(busy);
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
    const label = make("label", { htmlFor: input.id, textContent: name });
    const size = make("p", { textContent: inMegabytes(bytes), id: `size-${id}` });
    input.setAttribute("aria-describedby", size.id);
    return make("div", { className: "choice" }, input, label, this.#deleteButton(id, name), size);
  }

  /** A model whose download is not complete. */
  #part({ id, name, bytes, received = 0, url: from }: StoredModel): HTMLElement {
    const label = make("span", { className: "name", textContent: name });
    const size = make("p", { textContent: `${inMegabytes(received)} of ${inMegabytes(bytes)}` });
    const goOn = make("button", { type: "button", textContent: "Continue", ariaLabel: `Continue ${name}` });
    goOn.addEventListener("click", () => {
      if (from !== undefined) this.#add({ type: "fetch", url: from, name });
    });
    const buttons = make("div", { className: "row" }, goOn, this.#deleteButton(id, name));
    return make("div", { className: "choice part" }, label, buttons, size);
  }

  #deleteButton(id: string, name: string): HTMLButtonElement {
    const remove = make("button", { type: "button", textContent: "Delete", ariaLabel: `Delete ${name}` });
    remove.addEventListener("click", () => this.#send({ type: "delete", id }));
    return remove;
  }

  #fetch(text: string): void {
    try {
      const { href, pathname } = new URL(text, document.baseURI);
      const isComplete = href.endsWith("/") || /\.gguf$/i.test(pathname);
      this.#add({ type: "fetch", url: isComplete ? href : `${href}/` });
    } catch {
      url.setCustomValidity("This is not a URL");
      url.reportValidity();
      url.addEventListener("input", () => url.setCustomValidity(""), { once: true });
    }
  }

  #store(chosen: readonly File[]): void {
    if (chosen.length > 0) this.#add({ type: "store", files: chosen });
  }

  /** Adds a model, and asks the browser to keep it when the device runs short of space. Some browsers ask the user then. */
  #add(command: Command): void {
    this.#send(command);
    void this.#persist();
  }

  async #persist(): Promise<void> {
    this.#isPersistent = await storageManager()?.persist?.();
    this.#showStorage();
  }

  #showStorage(): void {
    storage.hidden = this.#models.length === 0 || !this.#room;
    if (!this.#room) return;
    const { used, free } = this.#room;
    const sizes = `${inMegabytes(used)} of storage in use; the browser offers ${inMegabytes(free)} more.`;
    const mayDelete = " The browser may delete models when the device runs short of space.";
    storage.textContent = this.#isPersistent === false ? sizes + mayDelete : sizes;
  }

  /** Finds the memory for this page, and shows it where the device has little. */
  async #askDevice(): Promise<void> {
    const { deviceMemory: memory } = navigator as { deviceMemory?: number };
    const { userAgent, maxTouchPoints: touchPoints } = navigator;
    const budget = memoryBudget({ memory, userAgent, touchPoints });
    this.#send({ type: "device", budget });
    this.#showDevice(budget);
    this.#isPersistent = await storageManager()?.persisted?.();
    this.#showStorage();
  }

  #showDevice(budget: MemoryBudget | undefined): void {
    deviceHint.hidden = budget === undefined;
    if (!budget) return;
    deviceHint.textContent = `This page can hold models of about ${inMegabytes(budget.bytes)} here: ${budget.reason}.`;
  }
}

/** Undefined in pages that are not secure. */
function storageManager(): Partial<StorageManager> | undefined {
  return (navigator as { storage?: StorageManager }).storage;
}

/** The button that gets a model that may be served beside the page. */
class Offer {
  readonly #button: HTMLButtonElement;
  readonly #url: string;
  #isServed = false;
  #isStored = false;

  /** @param id of the button, and the name of the folder */
  constructor(id: string, name: string, get: (name: string, url: string) => void) {
    this.#button = element(id, HTMLButtonElement);
    this.#url = new URL(`${id}/`, document.baseURI).href;
    this.#button.addEventListener("click", () => get(name, this.#url));
    void this.#look();
  }

  showStored(models: readonly StoredModel[]): void {
    this.#isStored = models.some(({ url, received }) => url === this.#url && received === undefined);
    this.#show();
  }

  setBusy(busy: boolean): void {
    this.#button.disabled = busy;
  }

  /** Checks for the model. The page works without one, so its absence is not an error. */
  async #look(): Promise<void> {
    const response = await fetch(new URL("config.json", this.#url)).catch(() => undefined);
    await response?.body?.cancel();
    this.#isServed = response?.ok ?? false;
    this.#show();
  }

  #show(): void {
    this.#button.hidden = !this.#isServed || this.#isStored;
  }
}
