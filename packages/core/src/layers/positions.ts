import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { Sequences } from "./sequences.ts";

/** The angles of rotary position embeddings (Su et al. 2021, section 3.4.2). */
export interface RotaryAngles {
  /** Channels of a head that are rotated; even. */
  readonly dim: number;
  /** The base of the frequencies: channel pair i turns by `theta^(-2i / dim)` radians at each position. */
  readonly theta: number;
}

/** The places of the positions of an input [B, L] in their sequences. A host object: each run of a model uploads its numbers once. */
export class Positions {
  /** Rows, B. */
  readonly batch: number;
  /** Positions of the input, L. */
  readonly length: number;
  readonly #sequences: Sequences | undefined;
  #lengths: readonly number[] | undefined;
  // Made when they are needed: there are positions for each token.
  #lengthsData: Int32Array | undefined;
  readonly #angles: (RotaryAngles & { readonly data: Float32Array })[] = [];

  /**
   * `lengths` are the positions that each row has read before this input, by default none. `sequences` are those of each row: the
   * first goes on from `lengths`, every other one starts at 0.
   */
  constructor(
    batch: number,
    length: number,
    {
      lengths,
      sequences,
    }: { lengths?: readonly number[] | undefined; sequences?: Sequences | undefined } = {},
  ) {
    this.batch = batch;
    this.length = length;
    this.#lengths = lengths;
    this.#sequences = sequences;
  }

  /** For each row, the positions that were read before this input. */
  get lengths(): readonly number[] {
    return (this.#lengths ??= Array.from({ length: this.batch }, () => 0));
  }

  /** For each row, the positions of its last sequence that are read after this input. */
  get endLengths(): readonly number[] {
    const sequences = this.#sequences;
    return this.lengths.map((length, row) => {
      if (!sequences) return length + this.length;
      const last = sequences.lastOfRows[row];
      return last === undefined ? length : this.#place(last) + 1;
    });
  }

  /** `lengths` on the device, i32 [B]. It belongs to `ops`, which upload it once. */
  lengthsTensor(ops: Pick<Ops, "sharedConstant">): Tensor {
    this.#lengthsData ??= Int32Array.from(this.lengths);
    return ops.sharedConstant(this.#lengthsData, [this.batch]);
  }

  /**
   * The rotary angle of each position and channel pair in radians, f32 [B, L, dim / 2]: `position · theta^(-2i / dim)`, computed
   * in float64 and reduced to [-pi, pi]. 0 at padding. It belongs to `ops`, which upload it once.
   */
  angles(ops: Pick<Ops, "sharedConstant">, { dim, theta }: RotaryAngles): Tensor {
    const pairs = dim / 2;
    // A list, of one item nearly always: the text of a key takes longer than the comparison.
    let data = this.#angles.find((known) => known.dim === dim && known.theta === theta)?.data;
    if (!data) {
      const frequencies = Float64Array.from({ length: pairs }, (_, i) => theta ** ((-2 * i) / dim));
      data = new Float32Array(this.batch * this.length * pairs);
      for (let at = 0; at < this.batch * this.length; at++) {
        const place = Math.max(this.#place(at), 0);
        for (const [i, frequency] of frequencies.entries()) {
          const angle = place * frequency;
          data[at * pairs + i] = angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
        }
      }
      this.#angles.push({ dim, theta, data });
    }
    return ops.sharedConstant(data, [this.batch, this.length, pairs]);
  }

  /** The place in its sequence of the position with index `at` in [B · L]; -1 at padding. */
  #place(at: number): number {
    const row = Math.floor(at / this.length);
    const before = this.lengths[row] ?? 0;
    const sequences = this.#sequences;
    if (!sequences) return before + (at % this.length);
    const place = sequences.positions[at] ?? -1;
    if (place < 0) return -1;
    const isFirst = sequences.ids[at] === sequences.firstOfRows[row];
    return isFirst ? before + place : place;
  }
}
