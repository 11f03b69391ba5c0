import { TrainError } from "@mamba/train";

/** Largest number of pairs in a table: about 3 GB. */
const mostPairs = 2 ** 27;
const empty = -1;

/** A number for each pair of a row and a symbol: an open hash table in typed arrays. A Map takes four times the memory. */
export class CountTable {
  readonly #symbols: number;
  #keys = new Float64Array(1024).fill(empty);
  #values = new Uint32Array(1024);
  #size = 0;

  /** @param symbols number of symbols; those of pairs are below it */
  constructor(symbols: number) {
    this.#symbols = symbols;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a pair; 0 when the table does not contain the pair. */
  get(row: number, symbol: number): number {
    return this.#values[this.#slot(row * this.#symbols + symbol)] as number;
  }

  /** @throws TrainError `DATA` when there are more pairs than fit */
  set(row: number, symbol: number, value: number): void {
    const key = row * this.#symbols + symbol;
    let slot = this.#slot(key);
    if (this.#keys[slot] === empty) {
      if (2 * (this.#size + 1) > this.#keys.length) {
        this.#grow();
        slot = this.#slot(key);
      }
      this.#keys[slot] = key;
      this.#size++;
    }
    this.#values[slot] = value;
  }

  /** All pairs with their numbers, in no particular order. */
  *entries(): Generator<readonly [row: number, symbol: number, value: number]> {
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot] as number;
      if (key === empty) continue;
      yield [Math.floor(key / this.#symbols), key % this.#symbols, this.#values[slot] as number];
    }
  }

  /** The slot that holds the key, or the free slot for it. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    const low = key % 2 ** 32;
    let mixed = Math.imul(low ^ Math.imul((key - low) / 2 ** 32, 0x9e3779b1), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
    let slot = (mixed ^ (mixed >>> 13)) & mask;
    while (this.#keys[slot] !== empty && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    if (this.#size >= mostPairs) {
      throw new TrainError(
        "DATA",
        `more than ${mostPairs} different n-grams: use fewer examples or a lower order`,
      );
    }
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(2 * keys.length).fill(empty);
    this.#values = new Uint32Array(2 * keys.length);
    keys.forEach((key, i) => {
      if (key === empty) return;
      const slot = this.#slot(key);
      this.#keys[slot] = key;
      this.#values[slot] = values[i] as number;
    });
  }
}
