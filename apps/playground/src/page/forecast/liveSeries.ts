import { type ForecastSettings, type SeriesSource, seriesLengths } from "../../protocol.ts";
import { beats, waves } from "./generated.ts";

/** Values of a generated series to train on. */
const generatedValues = 3000;

/** A series whose values come one by one. */
export class LiveSeries {
  readonly source: SeriesSource;
  /** Names the series in messages. */
  readonly name: string;
  readonly #next: () => number | undefined;
  readonly #values: number[];
  /** The number of values to train on; undefined: all that have come. */
  readonly #trained: number | undefined;
  /** All values to keep for a later visit, also those that have not come. */
  readonly #all: readonly number[];

  private constructor(
    { source, name }: Pick<LiveSeries, "source" | "name">,
    values: readonly number[],
    next: () => number | undefined,
    { trained, all }: { readonly trained: number | undefined; readonly all: readonly number[] },
  ) {
    this.source = source;
    this.name = name;
    this.#next = next;
    this.#values = [...values];
    this.#trained = trained;
    this.#all = all;
  }

  static generated(source: "waves" | "beats"): LiveSeries {
    const values = source === "waves" ? waves() : beats();
    const next = () => values.next().value;
    const first = Array.from({ length: generatedValues }, next);
    const name = source === "waves" ? "two waves" : "beats";
    return new LiveSeries({ source, name }, first, next, { trained: generatedValues, all: first });
  }

  /** The first four fifths of a column are to train on and have come; the others come one by one. */
  static ofColumn(name: string, column: readonly number[]): LiveSeries {
    return LiveSeries.#column(name, column, Math.floor(0.8 * column.length));
  }

  /** @param height returns the current height of the pointer */
  static ofPointer(height: () => number, values: readonly number[] = []): LiveSeries {
    const name = "height of the pointer";
    return new LiveSeries({ source: "pointer", name }, values, height, { trained: undefined, all: [] });
  }

  /** The series of an earlier training. */
  static restored({ source, name, values, trained }: ForecastSettings, height: () => number): LiveSeries {
    if (source === "csv") return LiveSeries.#column(name, values, trained);
    return source === "pointer" ? LiveSeries.ofPointer(height, values) : LiveSeries.generated(source);
  }

  static #column(name: string, column: readonly number[], trained: number): LiveSeries {
    let at = trained;
    const first = column.slice(0, trained);
    return new LiveSeries({ source: "csv", name }, first, () => column[at++], { trained, all: column });
  }

  /** The values that have come. */
  get values(): readonly number[] {
    return this.#values;
  }

  /** Takes the next value. False when the series has ended. */
  advance(): boolean {
    const value = this.#next();
    if (value !== undefined) this.#values.push(value);
    return value !== undefined;
  }

  /** The number of values that are still needed to train on; 0 when there are enough. */
  get needed(): number {
    return Math.max(0, seriesLengths.least - (this.#trained ?? this.#values.length));
  }

  settings(): Pick<ForecastSettings, "source" | "name" | "values" | "trained"> {
    const { source, name } = this;
    const values = this.#trained === undefined ? this.#values.slice(-seriesLengths.most) : this.#all;
    return { source, name, values, trained: this.#trained ?? values.length };
  }
}
