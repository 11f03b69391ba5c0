import { element, make } from "./dom.ts";

const problems = element("alert", HTMLElement);

/** Shows a message until it is closed, or the next command is sent. */
export function showProblem(message: string): void {
  const close = make("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", hideProblem);
  problems.replaceChildren(make("div", { className: "problem" }, make("p", { textContent: message }), close));
}

/** Shows an error with its code. */
export function showError({ message, code }: { readonly message: string; readonly code?: unknown }): void {
  showProblem(typeof code === "string" ? `${message} (${code})` : message);
}

export function hideProblem(): void {
  problems.replaceChildren();
}
