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

/** Moves the focus between a start and a stop button. A focused button that is disabled would lose the focus. */
export function passFocus(started: boolean, start: HTMLButtonElement, stop: HTMLButtonElement): void {
  const [from, to] = started ? [start, stop] : [stop, start];
  if (document.activeElement !== from) return;
  to.disabled = false;
  to.focus();
}
