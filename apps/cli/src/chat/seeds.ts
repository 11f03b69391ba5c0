/** The seeds of the answers of a chat: each answer has its own, so that another answer to a message differs. */
export class SeedSequence {
  #first: number | undefined;
  #count = 0;

  /** @param first the seed that the user gave; undefined for random seeds */
  next(first: number | undefined): number | undefined {
    if (first !== this.#first) this.#count = 0;
    this.#first = first;
    if (first === undefined) return undefined;
    const count = this.#count++;
    return count === 0 ? first : (first + count) | 0;
  }
}
