import { type Mamba3Config, rotaryPairs } from "./mamba3Config.ts";

/** The widths of the columns of `in_proj`'s output, in their order. */
export function columnWidths(config: Mamba3Config) {
  const { dInner, groups, dState, heads } = config;
  const width = groups * dState;
  return {
    z: dInner,
    v: dInner,
    B: width,
    C: width,
    dt: heads,
    a: heads,
    trap: heads,
    angle: rotaryPairs(config),
  };
}

export type Column = keyof ReturnType<typeof columnWidths>;

/** The numbers of a Mamba-3 block that depend on its config alone. Each array is uploaded once. */
export class Mamba3Constants {
  /** The place of each part of `in_proj`'s output: [start, width]. */
  readonly columns: Readonly<Record<Column, readonly [start: number, width: number]>>;
  /** One number for each head. */
  readonly zeros: Float32Array;
  readonly ones: Float32Array;
  readonly tiny: Float32Array;
  readonly floor: Float32Array;
  readonly onesOfState: Float32Array;
  readonly onesOfHead: Float32Array;
  readonly #heads: number;
  readonly #shifts = new Map<number, Float32Array>();
  /** By groups, the array of the last call. */
  readonly #headRows = new Map<number, Int32Array>();

  constructor(config: Mamba3Config) {
    const { heads, headDim, dState, aFloor } = config;
    let start = 0;
    const places = Object.entries(columnWidths(config)).map(([name, width]) => {
      start += width;
      return [name, [start - width, width]] as const;
    });
    this.columns = Object.fromEntries(places) as Mamba3Constants["columns"];
    this.zeros = new Float32Array(heads);
    this.ones = new Float32Array(heads).fill(1);
    this.tiny = new Float32Array(heads).fill(1e-30);
    this.floor = new Float32Array(heads).fill(aFloor);
    this.onesOfState = new Float32Array(dState).fill(1);
    this.onesOfHead = new Float32Array(headDim).fill(1);
    this.#heads = heads;
  }

  /** The weight [width, 2] of a convolution whose result is its input at the position before. */
  shift(width: number): Float32Array {
    let weight = this.#shifts.get(width);
    if (!weight) {
      weight = Float32Array.from({ length: 2 * width }, (_, i) => 1 - (i % 2));
      this.#shifts.set(width, weight);
    }
    return weight;
  }

  /** For each of `positions` and each head, the index of the row of its group: `position · groups + floor(head / (H / groups))`. */
  headRows(positions: number, groups: number): Int32Array {
    const heads = this.#heads;
    const last = this.#headRows.get(groups);
    if (last?.length === positions * heads) return last;
    const rows = Int32Array.from({ length: positions * heads }, (_, i) => {
      const head = i % heads;
      return ((i - head) / heads) * groups + Math.floor((head * groups) / heads);
    });
    this.#headRows.set(groups, rows);
    return rows;
  }
}
