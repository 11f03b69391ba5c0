import { make } from "../dom.ts";

/** A bar for the probability of each digit. */
export class Bars {
  readonly #rows: readonly { row: HTMLElement; bar: HTMLElement; text: HTMLElement }[];

  constructor(list: HTMLOListElement) {
    this.#rows = Array.from({ length: 10 }, (_, digit) => {
      const bar = make("span", { className: "bar" });
      const text = make("span", { className: "percent" });
      const name = make("span", { className: "digit", textContent: String(digit) });
      const row = make("li", {}, name, make("span", { className: "track" }, bar), text);
      return { row, bar, text };
    });
    list.replaceChildren(...this.#rows.map(({ row }) => row));
    this.show([]);
  }

  /** @param probabilities one for each digit, or none */
  show(probabilities: readonly number[]): void {
    const most = Math.max(...probabilities);
    for (const [digit, { row, bar, text }] of this.#rows.entries()) {
      const probability = probabilities[digit];
      bar.style.width = `${(probability ?? 0) * 100}%`;
      text.textContent = probability === undefined ? "–" : `${(probability * 100).toFixed(0)} %`;
      row.classList.toggle("most", probability !== undefined && probability === most);
    }
  }
}
