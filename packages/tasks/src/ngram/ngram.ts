import { type Example, ignoreIndex, TrainError } from "@mamba/train";
import { CountTable } from "./countTable.ts";

/** The counts sorted by context, for `predict`. */
interface Followers {
  /** [contexts + 1] index of each context's first entry in `symbols` and `counts` */
  readonly starts: Uint32Array;
  readonly symbols: Uint32Array;
  readonly counts: Uint32Array;
  /** [contexts] sum of the counts of each context */
  readonly totals: Float64Array;
  /** [contexts] sum of the discounts of each context */
  readonly freed: Float64Array;
}

/**
 * An n-gram language model: interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998, section 3),
 *
 *     p_k(w | h) = (max(c(h w) - D(c(h w)), 0) + freed(h) p_{k-1}(w | h')) / sum_w c(h w)
 *
 * where h' is h without its oldest symbol and freed(h) is the sum of the discounts D over the followers of h. In the highest
 * order c(h w) is the count in the data; in lower orders it is the number of different symbols that came before h w. Below
 * the lowest order every symbol is equally likely. The positions before an example hold a symbol of their own, `vocabSize`.
 */
export class Ngram {
  readonly vocabSize: number;
  /** Number of symbols of an n-gram, the predicted one included. */
  readonly order: number;
  readonly #children: CountTable;
  readonly #counts: CountTable;
  /** Length of each context; context 0 is the empty one. */
  readonly #depths: number[] = [0];
  #followers: Followers | undefined;
  /** [order][3] discounts of counts of 1, 2, and 3 or more. */
  #discounts: readonly (readonly number[])[] = [];

  /** @throws TrainError `CONFIG` */
  constructor(vocabSize: number, order: number) {
    for (const [field, value, max] of [
      ["vocabSize", vocabSize, 2 ** 24],
      ["order", order, 16],
    ] as const) {
      if (Number.isInteger(value) && value >= 1 && value <= max) continue;
      throw new TrainError(
        "CONFIG",
        `n-gram: ${field} must be a whole number from 1 to ${max}, got ${value}`,
      );
    }
    this.vocabSize = vocabSize;
    this.order = order;
    this.#children = new CountTable(vocabSize + 1);
    this.#counts = new CountTable(vocabSize + 1);
  }

  /** Number of different n-grams of all orders. */
  get size(): number {
    return this.#counts.size;
  }

  /**
   * Counts the targets of an example, each after the ids up to its position.
   *
   * @throws TrainError `DATA` when there are more n-grams than fit
   */
  add({ ids, targets }: Example): void {
    this.#followers = undefined;
    const path = new Array<number>(this.order).fill(0);
    for (let i = 0; i < ids.length; i++) {
      const target = targets[i] as number;
      if (target === ignoreIndex) continue;
      for (let k = 1; k < this.order; k++) {
        path[k] = this.#child(path[k - 1] as number, this.#before(ids, i, k), k);
      }
      // Only a new n-gram raises the count of the next shorter one: one more symbol comes before that.
      for (let k = this.order - 1; k >= 0; k--) {
        const context = path[k] as number;
        const count = this.#counts.get(context, target);
        this.#counts.set(context, target, count + 1);
        if (count > 0) break;
      }
    }
  }

  /**
   * Probabilities of the symbol after `ids[position]`.
   *
   * @param into [vocabSize] receives the probabilities and is returned
   */
  predict(ids: Int32Array, position: number, into: Float64Array): Float64Array {
    const { starts, symbols, counts, totals, freed } = (this.#followers ??= this.#finish());
    into.fill(1 / this.vocabSize);
    let context = 0;
    for (let k = 0; k < this.order; k++) {
      if (k > 0) {
        context = this.#children.get(context, this.#before(ids, position, k));
        if (context === 0) break; // not in the data, and so no longer context is
      }
      const total = at(totals, context);
      if (total === 0) break; // no example was added
      const rest = at(freed, context) / total;
      for (let symbol = 0; symbol < into.length; symbol++) into[symbol] = rest * at(into, symbol);
      for (let entry = at(starts, context); entry < at(starts, context + 1); entry++) {
        const count = at(counts, entry);
        add(into, at(symbols, entry), (count - this.#discount(k, count)) / total);
      }
    }
    return into;
  }

  /** The k-th id counted backwards from a position, where k = 1 is the position itself; `vocabSize` before the beginning. */
  #before(ids: Int32Array, position: number, k: number): number {
    return ids[position - k + 1] ?? this.vocabSize;
  }

  #child(parent: number, symbol: number, depth: number): number {
    const known = this.#children.get(parent, symbol);
    if (known > 0) return known;
    this.#depths.push(depth);
    this.#children.set(parent, symbol, this.#depths.length - 1);
    return this.#depths.length - 1;
  }

  #discount(depth: number, count: number): number {
    return this.#discounts[depth]?.[Math.min(count, 3) - 1] as number;
  }

  /** Sorts the entries by context, and computes the discounts from the counts of counts. */
  #finish(): Followers {
    const contexts = this.#depths.length;
    const starts = new Uint32Array(contexts + 1);
    const ofCounts = Array.from({ length: this.order }, () => new Float64Array(5));
    for (const [context, , count] of this.#counts.entries()) {
      add(starts, context + 1, 1);
      const ofOrder = ofCounts[at(this.#depths, context)];
      if (ofOrder && count <= 4) add(ofOrder, count, 1);
    }
    for (let i = 0; i < contexts; i++) add(starts, i + 1, at(starts, i));
    this.#discounts = ofCounts.map(discountsOf);
    const next = starts.slice();
    const symbols = new Uint32Array(this.size);
    const counts = new Uint32Array(this.size);
    const totals = new Float64Array(contexts);
    const freed = new Float64Array(contexts);
    for (const [context, symbol, count] of this.#counts.entries()) {
      const entry = at(next, context);
      add(next, context, 1);
      symbols[entry] = symbol;
      counts[entry] = count;
      add(totals, context, count);
      add(freed, context, this.#discount(at(this.#depths, context), count));
    }
    return { starts, symbols, counts, totals, freed };
  }
}

/**
 * Chen and Goodman's formula (their equation 17): D_r = r - (r + 1) Y n_{r+1} / n_r with Y = n_1 / (n_1 + 2 n_2), where
 * n_r is the number of n-grams with the count r. When D_r is undefined or outside (0, r), as with little data, it is 1/2.
 */
function discountsOf(ofCounts: Float64Array): number[] {
  const y = at(ofCounts, 1) / (at(ofCounts, 1) + 2 * at(ofCounts, 2));
  return [1, 2, 3].map((r) => {
    const discount = r - ((r + 1) * y * at(ofCounts, r + 1)) / at(ofCounts, r);
    return discount > 0 && discount < r ? discount : 0.5;
  });
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

function add(values: Float64Array | Uint32Array, index: number, amount: number): void {
  values[index] = at(values, index) + amount;
}
