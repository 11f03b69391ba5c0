import type { TrainingKind, Work } from "../../protocol.ts";
import { element, make } from "../dom.ts";
import { announce } from "../status.ts";
import type { Send } from "./trainingPanel.ts";

/** The part of a panel that saves the trained model to the user's disk, and loads one from there. */
export class ModelFiles {
  readonly #kind: TrainingKind;
  readonly #send: Send;
  readonly #save: HTMLButtonElement;
  readonly #saved: HTMLElement;
  readonly #files: HTMLInputElement;
  #urls: string[] = [];

  constructor(kind: TrainingKind, send: Send) {
    this.#kind = kind;
    this.#send = send;
    this.#save = element(`${kind}-save`, HTMLButtonElement);
    this.#saved = element(`${kind}-saved`, HTMLElement);
    this.#files = element(`${kind}-files`, HTMLInputElement);
    this.#save.addEventListener("click", () => send({ type: "save", kind }));
    this.#files.addEventListener("change", () => {
      this.load([...(this.#files.files ?? [])]);
      this.#files.value = ""; // the same files can be chosen again
    });
  }

  get isEnabled(): boolean {
    return !this.#files.disabled;
  }

  load(files: readonly File[]): void {
    if (files.length > 0) this.#send({ type: "load", kind: this.#kind, files });
  }

  update(work: Work | undefined, hasModel: boolean): void {
    this.#save.disabled = work !== undefined || !hasModel;
    this.#files.disabled = work !== undefined;
  }

  /** Offers the files as links: a page may start one download for each click. */
  offer(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): void {
    this.clear();
    const links = Array.from(files, ([name, bytes]) => {
      const href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      this.#urls.push(href);
      return make("a", { href, download: name, textContent: name });
    });
    this.#saved.replaceChildren(...links);
    announce("The files of the model are ready.");
  }

  /** Removes the links, when the model is another. */
  clear(): void {
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
    this.#saved.replaceChildren();
  }
}
