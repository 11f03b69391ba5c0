/** The element with this id. Throws when index.html has none. */
export function element<E extends Element>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html has no ${type.name} with id ${id}`);
}

/** A new element. Text is set as text, never as HTML: names of models are untrusted. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly HTMLElement[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A size for people, in decimal units. */
export function megabytes(bytes: number): string {
  const digits = bytes < 10e6 ? 1 : 0;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(digits)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Moves the focus between a start and a stop button. A focused button that is disabled would lose the focus. */
export function passFocus(started: boolean, start: HTMLButtonElement, stop: HTMLButtonElement): void {
  const [from, to] = started ? [start, stop] : [stop, start];
  if (document.activeElement !== from) return;
  to.disabled = false;
  to.focus();
}
