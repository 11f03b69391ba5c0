import { sizeClass } from "@mamba/kernel/author";

/** A block of device memory. */
export interface Block {
  readonly address: number;
  /** Increases with every block that is allocated. */
  readonly id: number;
  /** Size class: at least the requested size. */
  readonly bytes: number;
  /** Time of the last `give`, counted in calls. */
  freed: number;
}

/** Allocates the blocks' memory: a session. */
export interface Source {
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Free memory that the pool keeps: the activations of a large prefill are needed again by the next. */
const keptBytes = 2 ** 30;

/**
 * Device memory by size class. A freed block can be reused at once: the stream runs in order, so work that still uses the
 * block runs before work that overwrites it. `take` returns the oldest free block of the size class, independent of the order
 * in which blocks were freed, so a repeated step gets the same addresses and its graph needs no new arguments.
 */
export class BlockPool {
  readonly #source: Source;
  readonly #exact: boolean;
  /** Free blocks by size, the oldest at the end of each list. */
  readonly #free = new Map<number, Block[]>();
  #freeBytes = 0;
  #clock = 0;
  #created = 0;

  /** @param exact allocates a new block of the exact size every time, so that a device with bounds checks finds errors */
  constructor(source: Source, exact: boolean) {
    this.#source = source;
    this.#exact = exact;
  }

  /** Blocks allocated so far. A repeated step allocates none. */
  get created(): number {
    return this.#created;
  }

  /** Returns a block of at least `bytes`, with undefined content. Throws the source's errors. */
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

  /** Returns a block to the pool. */
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
   * Frees blocks, those returned first before others, until at most `limit` bytes are free. No recorded command that is not
   * submitted yet may use them.
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
