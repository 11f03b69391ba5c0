import { sizeClass } from "@mamba/kernel/author";

/** Device memory of the pool. */
export interface Block {
  readonly address: number;
  /** Counts up with every block that is made. */
  readonly id: number;
  /** Size class: at least what was asked for. */
  readonly bytes: number;
  /** Counts up with every block that is freed. */
  freed: number;
}

/** Where blocks come from: a session. */
export interface Source {
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Free memory that is kept whatever is live: the activations of a large prefill come back with the next. */
const keptBytes = 2 ** 30;

/**
 * Device memory by size class. A freed block is given out again at once: the stream runs in order, so the work that still
 * uses it comes before the work that overwrites it. The oldest that fits goes first, whatever was freed last: so a repeated
 * step finds its tensors where they were, and its graph needs no new arguments.
 */
export class BlockPool {
  readonly #source: Source;
  readonly #exact: boolean;
  /** Free blocks, the oldest at the end. */
  readonly #free = new Map<number, Block[]>();
  #freeBytes = 0;
  #clock = 0;
  #created = 0;

  /** @param exact every block is new and no larger than asked for, so that a device which watches its bounds sees mistakes */
  constructor(source: Source, exact: boolean) {
    this.#source = source;
    this.#exact = exact;
  }

  /** Blocks made so far: a steady state makes none. */
  get created(): number {
    return this.#created;
  }

  /** A block of at least `bytes`, with any content. Throws what the source throws. */
  take(bytes: number): Block {
    const size = this.#exact ? bytes : sizeClass(bytes);
    const known = this.#exact ? undefined : this.#free.get(size)?.pop();
    if (known) {
      this.#freeBytes -= size;
      return known;
    }
    const address = this.#source.allocate(size);
    return { address, id: ++this.#created, bytes: size, freed: 0 };
  }

  give(block: Block): void {
    block.freed = ++this.#clock;
    const list = this.#free.get(block.bytes);
    if (list) {
      let at = list.length;
      while (at > 0 && (list[at - 1] as Block).id < block.id) at--;
      list.splice(at, 0, block);
    } else this.#free.set(block.bytes, [block]);
    this.#freeBytes += block.bytes;
  }

  /**
   * Gives free blocks back to the device, those freed first before others, until no more than `limit` bytes are free. No
   * command that is not submitted yet may use them.
   */
  trim(limit = this.#exact ? 0 : keptBytes): void {
    if (this.#freeBytes <= limit) return;
    const all = [...this.#free.values()].flat().sort((a, b) => a.freed - b.freed);
    for (const block of all) {
      if (this.#freeBytes <= limit) break;
      const list = this.#free.get(block.bytes) as Block[];
      list.splice(list.indexOf(block), 1);
      this.#freeBytes -= block.bytes;
      this.#source.free(block.address);
    }
  }
}
