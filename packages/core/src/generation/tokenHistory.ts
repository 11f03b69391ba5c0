/** The ids of a sequence in their order, and how often each occurs. */
export class TokenHistory {
  #ids: number[] = [];
  /** For each id: true when it was generated, false when it was input. */
  #isGenerated: boolean[] = [];
  #occurrences = new Map<number, number>();
  #generated = new Map<number, number>();
  #generatedCount = 0;

  /** Input and generated ids. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  get length(): number {
    return this.#ids.length;
  }

  /** The generated ids: the number of random numbers that were drawn. */
  get generatedCount(): number {
    return this.#generatedCount;
  }

  /** The distinct ids. */
  get distinct(): ReadonlyMap<number, number> {
    return this.#occurrences;
  }

  /** The distinct generated ids, and how often each was generated. */
  get generated(): ReadonlyMap<number, number> {
    return this.#generated;
  }

  isGenerated(index: number): boolean {
    return this.#isGenerated[index] ?? false;
  }

  push(id: number, isGenerated: boolean): void {
    this.#ids.push(id);
    this.#isGenerated.push(isGenerated);
    add(this.#occurrences, id, 1);
    if (!isGenerated) return;
    add(this.#generated, id, 1);
    this.#generatedCount++;
  }

  append(input: readonly number[]): void {
    for (const id of input) this.push(id, false);
  }

  /** Drops all ids after the first `length`. */
  truncate(length: number): void {
    while (this.#ids.length > length) {
      const id = this.#ids.pop() ?? 0;
      add(this.#occurrences, id, -1);
      if (!this.#isGenerated.pop()) continue;
      add(this.#generated, id, -1);
      this.#generatedCount--;
    }
  }

  /** Makes all ids input. */
  treatAsInput(): void {
    this.#isGenerated.fill(false);
    this.#generated.clear();
    this.#generatedCount = 0;
  }

  clone(): TokenHistory {
    const copy = new TokenHistory();
    copy.#ids = this.#ids.slice();
    copy.#isGenerated = this.#isGenerated.slice();
    copy.#occurrences = new Map(this.#occurrences);
    copy.#generated = new Map(this.#generated);
    copy.#generatedCount = this.#generatedCount;
    return copy;
  }
}

function add(counts: Map<number, number>, id: number, change: number): void {
  const count = (counts.get(id) ?? 0) + change;
  if (count === 0) counts.delete(id);
  else counts.set(id, count);
}
