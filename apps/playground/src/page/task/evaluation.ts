import type { TaskEvaluation } from "../../protocol.ts";
import { element, make } from "../dom.ts";

const place = element("evaluation", HTMLElement);

/** Shows the scores of a trained model and its answers to some examples. */
export function showEvaluation({ scores, answers }: TaskEvaluation, more: () => void): void {
  const button = make("button", { type: "button", textContent: "Other examples", id: "train-more" });
  button.addEventListener("click", more);
  const hadFocus = document.activeElement?.id === button.id;
  place.replaceChildren(
    table(
      "Unseen examples",
      ["Length", "Correct", "Loss"],
      scores.map(({ length, accuracy, loss }, i) => [
        i === 0 ? `${length}` : `${length}, longer than in training`,
        `${(accuracy * 100).toFixed(0)} %`,
        loss.toFixed(4),
      ]),
    ),
    table(
      "Examples",
      ["Given", "Expected", "Answer"],
      answers.map(({ given, expected, answered }) => [given, expected, answered]),
      "sequence",
    ),
    button,
  );
  for (const row of place.querySelectorAll("table:last-of-type tbody tr")) {
    const [, expected, answered] = row.children;
    if (expected?.textContent !== answered?.textContent) answered?.classList.add("wrong");
  }
  place.hidden = false;
  if (hadFocus) button.focus();
}

export function hideEvaluation(): void {
  place.hidden = true;
}

function table(
  caption: string,
  names: readonly string[],
  rows: readonly (readonly string[])[],
  className = "",
): HTMLTableElement {
  const head = make("tr", {}, ...names.map((textContent) => make("th", { scope: "col", textContent })));
  const body = rows.map((cells) =>
    make("tr", {}, ...cells.map((textContent) => make("td", { className, textContent }))),
  );
  return make(
    "table",
    {},
    make("caption", { textContent: caption }),
    make("thead", {}, head),
    make("tbody", {}, ...body),
  );
}
