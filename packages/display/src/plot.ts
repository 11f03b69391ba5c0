import { svgElement, svgText } from "./svg.ts";

/** Maps a value to its place on an axis: 0 at the start, 1 at the end. */
export type Scale = (value: number) => number;

export function linearScale(from: number, to: number): Scale {
  return (value) => (value - from) / (to - from);
}

export function logScale(from: number, to: number): Scale {
  const [start, end] = [Math.log(from), Math.log(to)];
  return (value) => (Math.log(value) - start) / (end - start);
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is at least `value`. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10);
}

/** Round numbers from 0 to at most `end`, about `count` steps of equal size. */
export function ticks(end: number, count: number): number[] {
  const step = roundUp(end / count);
  // Rounded, because 3 * 0.1 is 0.30000000000000004.
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** The number as an axis shows it: three significant digits at most. */
export function tickLabel(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A rectangle of a picture, in pixels. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How a line looks: presentation attributes, or the class that a style sheet styles. */
type Look = Readonly<Record<string, string>>;

/** One panel of a chart: it turns values into places, and into the SVG elements drawn there. */
export class Plot {
  readonly #area: Area;
  readonly #xScale: Scale;
  readonly #yScale: Scale;

  /** @param yScale 0 is at the bottom of the area */
  constructor(area: Area, xScale: Scale, yScale: Scale) {
    this.#area = area;
    this.#xScale = xScale;
    this.#yScale = yScale;
  }

  get bottom(): number {
    return this.#area.top + this.#area.height;
  }

  x(value: number): number {
    return this.#area.left + this.#xScale(value) * this.#area.width;
  }

  y(value: number): number {
    return this.bottom - this.#yScale(value) * this.#area.height;
  }

  /** A horizontal line over the whole width. */
  level(value: number, look: Look): string {
    const { left, width } = this.#area;
    return svgElement("path", { d: `M${left} ${this.y(value).toFixed(1)}H${left + width}`, ...look });
  }

  /** The label of a level, to the left of the axis. */
  yLabel(value: number, label: string): string {
    return svgText(this.#area.left - 8, this.y(value) + 4, "end", label);
  }

  /** The label of a value below the axis. */
  xLabel(value: number, label: string, anchor: "start" | "middle" | "end" = "middle"): string {
    return svgText(this.x(value), this.bottom + 18, anchor, label);
  }

  /** Straight lines from point to point, each [x, y] in values. */
  line(points: readonly (readonly [x: number, y: number])[], look: Look): string {
    const places = points.map(([x, y]) => `${this.x(x).toFixed(1)},${this.y(y).toFixed(1)}`);
    return svgElement("polyline", { points: places.join(" "), ...look });
  }
}
