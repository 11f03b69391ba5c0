import { linearScale, Plot, svgElement, tickLabel, ticks } from "@mamba/display";
import { seriesLengths, type SeriesPrediction } from "../../protocol.ts";

const margin = { left: 40, right: 12, top: 14, bottom: 12 };
/** Values of the past that are shown. */
const shown = 96;

/** The last values of a series, and the forecast of the next ones. */
export class SeriesChart {
  readonly #svg: SVGSVGElement;
  #low = 0;
  #high = 1;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
  }

  /** Sets the axis for the values of a new series. */
  start(values: readonly number[]): void {
    this.#low = Infinity;
    this.#high = -Infinity;
    this.#widen(values);
  }

  draw(values: readonly number[], prediction: SeriesPrediction | undefined): void {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0) return; // the panel is hidden
    const end = values.length;
    this.#svg.ariaLabel = describe(values, prediction);
    if (end === 0) {
      this.#svg.replaceChildren();
      return;
    }
    const last = values.slice(-shown);
    this.#widen(last);
    const pad = (this.#high - this.#low || 2) * 0.15;
    const [low, high] = [this.#low - pad, this.#high + pad];
    const area = {
      ...{ left: margin.left, top: margin.top },
      ...{ width: width - margin.left - margin.right, height: height - margin.top - margin.bottom },
    };
    const first = end - shown;
    const plot = new Plot(area, linearScale(first, end - 1 + seriesLengths.horizon), linearScale(low, high));
    const past = last.map((value, i): [number, number] => [end - last.length + i, value]);
    this.#svg.innerHTML = [
      ...levels(low, high).map(
        (value) => plot.level(value, { class: "grid" }) + plot.yLabel(value, tickLabel(value)),
      ),
      svgElement("path", {
        d: `M${plot.x(end - 1).toFixed(1)} ${margin.top}V${plot.bottom}`,
        class: "now",
      }),
      prediction && forecast(plot, prediction, past.at(-1)),
      plot.line(past, { class: "past" }),
    ].join("");
  }

  #widen(values: readonly number[]): void {
    for (const value of values) {
      this.#low = Math.min(this.#low, value);
      this.#high = Math.max(this.#high, value);
    }
  }
}

/** Round numbers between two, at equal distances. */
function levels(low: number, high: number): number[] {
  const [, step] = ticks(high - low, 3);
  if (step === undefined) return [];
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** The band from the lowest to the highest quantile, and the middle one as a line. */
function forecast(
  plot: Plot,
  { end, levels, quantiles }: SeriesPrediction,
  now: readonly [number, number] | undefined,
): string {
  const count = levels.length;
  const steps = Array.from({ length: Math.floor(quantiles.length / count) }, (_, step) =>
    quantiles.slice(step * count, (step + 1) * count),
  );
  const path = (level: number): [number, number][] =>
    steps.map((row, step) => [end + step, row[level] ?? NaN]);
  const places = [...path(count - 1), ...path(0).reverse()].map(
    ([x, y]) => `${plot.x(x).toFixed(1)},${plot.y(y).toFixed(1)}`,
  );
  const start = now?.[0] === end - 1 ? [now] : [];
  return (
    svgElement("polygon", { points: places.join(" "), class: "band" }) +
    plot.line([...start, ...path(Math.floor(count / 2))], { class: "median" })
  );
}

function describe(values: readonly number[], prediction: SeriesPrediction | undefined): string {
  const last = values.at(-1);
  if (last === undefined) return "The series: no value yet";
  const now = `The series, now ${tickLabel(last)}`;
  if (!prediction) return `${now}; there is no forecast yet`;
  const { levels, quantiles } = prediction;
  const row = quantiles.slice(-levels.length).map(tickLabel);
  const horizon = quantiles.length / levels.length;
  return `${now}; in ${horizon} steps ${row[Math.floor(row.length / 2)]}, probably from ${row[0]} to ${row.at(-1)}`;
}
