import { linearScale, Plot, runningMean, svgText, tickLabel, ticks } from "@mamba/display";

const margin = { left: 40, right: 12, top: 14, bottom: 26 };
/** More points than this are not visible at the width of the page. */
const maxPoints = 600;

/** The loss of a training run over its steps, drawn as it comes: each step faint, the running mean strong. */
export class LossCurve {
  readonly #svg: SVGSVGElement;
  #losses: number[] = [];
  #steps = 1;
  #guess = 0;
  #isScheduled = false;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    new ResizeObserver(() => this.#schedule()).observe(svg);
  }

  /**
   * @param guess the loss of the best constant answer: a dashed line. 0: no run, no curve
   * @param losses of the steps that are done
   */
  start(steps: number, guess: number, losses: readonly number[]): void {
    this.#losses = [...losses];
    this.#steps = steps;
    this.#guess = guess;
    this.#schedule();
  }

  add(losses: readonly number[]): void {
    for (const loss of losses) this.#losses.push(loss);
    this.#schedule();
  }

  /** Draws with the next frame, once for all changes before it. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0) return; // the panel is hidden
    if (this.#guess === 0) {
      this.#svg.replaceChildren();
      this.#svg.ariaLabel = "Loss: no training yet";
      return;
    }
    const losses = thinned(this.#losses);
    const means = thinned(runningMean(this.#losses));
    const top = Math.max(this.#guess, ...losses.map(([, loss]) => loss)) * 1.05;
    const area = {
      ...{ left: margin.left, top: margin.top },
      ...{ width: width - margin.left - margin.right, height: height - margin.top - margin.bottom },
    };
    const plot = new Plot(area, linearScale(0, this.#steps), linearScale(0, top));
    const stepLabel = (step: number) => {
      const anchor = step === 0 ? "start" : plot.x(step) > width - 30 ? "end" : "middle";
      return plot.xLabel(step, String(step), anchor);
    };
    this.#svg.innerHTML = [
      ...ticks(top, 4).map(
        (loss) => plot.level(loss, { class: "grid" }) + plot.yLabel(loss, tickLabel(loss)),
      ),
      ...ticks(this.#steps, width < 420 ? 3 : 5).map(stepLabel),
      plot.level(this.#guess, { class: "guess" }),
      svgText(plot.x(this.#steps), plot.y(this.#guess) - 5, "end", "guessing"),
      plot.line(losses, { class: "each" }),
      plot.line(means, { class: "mean" }),
    ].join("");
    const [first] = this.#losses;
    const last = means.at(-1);
    this.#svg.ariaLabel =
      first === undefined || last === undefined
        ? "Loss: no step is done yet"
        : `Loss over ${this.#losses.length} steps, from ${first.toFixed(2)} to ${last[1].toFixed(2)}`;
  }
}

/** [step, value] of the first of every few values, so that there are at most `maxPoints`; always with the last one. */
function thinned(values: readonly number[]): [step: number, value: number][] {
  const every = Math.max(1, Math.ceil(values.length / maxPoints));
  return values.flatMap((value, i): [number, number][] =>
    i % every === 0 || i === values.length - 1 ? [[i + 1, value]] : [],
  );
}
