// The loss of a training over its steps, drawn as it comes: each step faint, their mean strong.

const namespace = "http://www.w3.org/2000/svg";
const margin = { left: 40, right: 12, top: 14, bottom: 26 };
/** Points of a line: an eye on this width sees no more. */
const maxPoints = 600;
/** Weight of the newest loss in the running mean. */
const newest = 0.1;

export class Curve {
  readonly #svg: SVGSVGElement;
  #losses: number[] = [];
  #steps = 1;
  #guess = 0;
  #isPlanned = false;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    new ResizeObserver(() => this.#plan()).observe(svg);
  }

  /** @param guess the loss of guessing, drawn as a line to get below */
  start(steps: number, guess: number): void {
    this.#losses = [];
    this.#steps = steps;
    this.#guess = guess;
    this.#plan();
  }

  add(losses: readonly number[]): void {
    for (const loss of losses) this.#losses.push(loss);
    this.#plan();
  }

  /** Draws with the next frame, once for everything that comes before it. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0 || this.#guess === 0) return; // the panel is hidden, or nothing was ever trained
    const top = Math.max(this.#guess, ...thinned(this.#losses)) * 1.05;
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    const x = (step: number): number => margin.left + (step / this.#steps) * inner.width;
    const y = (loss: number): number => margin.top + (1 - loss / top) * inner.height;
    const parts: SVGElement[] = [];
    for (const value of ticks(top, 4)) {
      parts.push(line("grid", x(0), y(value), x(this.#steps), y(value)));
      parts.push(text(value.toFixed(1), margin.left - 6, y(value) + 4, "end"));
    }
    for (const value of ticks(this.#steps, width < 420 ? 3 : 5)) {
      const anchor = value === 0 ? "start" : x(value) > width - 30 ? "end" : "middle";
      parts.push(text(String(value), x(value), height - 8, anchor));
    }
    parts.push(line("guess", x(0), y(this.#guess), x(this.#steps), y(this.#guess)));
    parts.push(text("guessing", x(this.#steps), y(this.#guess) - 5, "end"));
    parts.push(polyline("each", this.#losses, x, y), polyline("mean", running(this.#losses), x, y));
    this.#svg.replaceChildren(...parts);
    const [first, last] = [this.#losses[0], running(this.#losses).at(-1)];
    this.#svg.ariaLabel =
      first === undefined || last === undefined
        ? "Loss: no step is done yet"
        : `Loss over ${this.#losses.length} steps, from ${first.toFixed(2)} to ${last.toFixed(2)}`;
  }
}

/** About as many round numbers from 0 to `end`. */
export function ticks(end: number, about: number): number[] {
  const rough = end / about;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5].find((factor) => factor * unit >= rough) ?? 10);
  // Whole multiples, so that 3 x 0.1 is no 0.30000000000000004.
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** The running mean, which forgets. */
export function running(losses: readonly number[]): number[] {
  let mean = losses[0] ?? 0;
  return losses.map((loss) => (mean += newest * (loss - mean)));
}

/** Of many values only as many as can be seen: the first of each run. */
function thinned(values: readonly number[]): readonly number[] {
  const every = Math.ceil(values.length / maxPoints);
  return every > 1 ? values.filter((_, i) => i % every === 0) : values;
}

function polyline(
  name: string,
  losses: readonly number[],
  x: (step: number) => number,
  y: (loss: number) => number,
): SVGElement {
  const every = Math.max(1, Math.ceil(losses.length / maxPoints));
  const points = thinned(losses).map((loss, i) => `${x(i * every + 1).toFixed(1)},${y(loss).toFixed(1)}`);
  return make("polyline", { class: name, points: points.join(" ") });
}

function line(name: string, x1: number, y1: number, x2: number, y2: number): SVGElement {
  return make("line", { class: name, x1, y1, x2, y2 });
}

function text(content: string, x: number, y: number, anchor: string): SVGElement {
  const made = make("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}

function make(
  tag: "line" | "polyline" | "text",
  attributes: Readonly<Record<string, string | number>>,
): SVGElement {
  const made = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
