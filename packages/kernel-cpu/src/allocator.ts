// A two-level segregated-fit allocator (Masmano et al., "TLSF", ECRTS 2004) over an address space that only grows.
// Constant time, neighbouring free blocks merge at once, and block records are reused, so that a steady state of
// equal requests creates no objects. Everything is counted in lines of 64 bytes: 2^26 lines make 4 GiB.

/** Bytes per line: a cache line, and enough for every SIMD alignment. */
export const lineBytes = 64;

/** One block of the heap, free or in use. Records are recycled: keep none after `free`. */
export interface Block {
  /** Position and length, in lines. */
  start: number;
  lines: number;
  free: boolean;
  /** Neighbours by address. */
  before: Block | undefined;
  after: Block | undefined;
  /** Neighbours in the list of its size class, while free. */
  previous: Block | undefined;
  next: Block | undefined;
}

const subdivisionBits = 4;
const subdivisions = 1 << subdivisionBits;
/** Enough of the first free blocks of the exact class are tried for a request of a size that just came free. */
const exactTries = 16;

/** Class of blocks of this many lines: its power of two and, within that, a sixteenth. */
function classOf(lines: number): number {
  if (lines < subdivisions) return lines;
  const power = 31 - Math.clz32(lines);
  return (
    (power - subdivisionBits + 1) * subdivisions + ((lines >>> (power - subdivisionBits)) - subdivisions)
  );
}

const classCount = classOf(2 ** 26) + 1;

/** Hands out blocks of lines; knows nothing of the memory itself. */
export class Allocator {
  readonly #lists = new Array<Block | undefined>(classCount).fill(undefined);
  /** Bit c of word c >> 5: class c has a free block. */
  readonly #occupied = new Uint32Array((classCount + 31) >> 5);
  #last: Block | undefined;
  #spare: Block | undefined;
  #end: number;

  /** @param start the first line */
  constructor(start: number) {
    this.#end = start;
  }

  /** The line after the last. */
  get end(): number {
    return this.#end;
  }

  /** A block of exactly `lines` lines, or undefined when no free block is large enough: then `grow` and ask again. */
  allocate(lines: number): Block | undefined {
    const block = this.#find(lines);
    if (!block) return undefined;
    this.#unlink(block);
    if (block.lines > lines) {
      const rest = this.#record(block.start + lines, block.lines - lines, block, block.after);
      if (rest.after) rest.after.before = rest;
      else this.#last = rest;
      block.after = rest;
      block.lines = lines;
      this.#link(rest);
    }
    return block;
  }

  /** Gives a block back. */
  free(block: Block): void {
    const { before, after } = block;
    let merged = block;
    if (after?.free) this.#absorb(merged, after);
    if (before?.free) {
      this.#unlink(before);
      this.#join(before, merged);
      merged = before;
    }
    this.#link(merged);
  }

  /** Adds lines at the end of the space. */
  grow(lines: number): void {
    const block = this.#record(this.#end, lines, this.#last, undefined);
    if (this.#last) this.#last.after = block;
    this.#last = block;
    this.#end += lines;
    this.free(block);
  }

  /** Lines that are missing at the end for a request that found no block. */
  shortfall(lines: number): number {
    return lines - (this.#last?.free ? this.#last.lines : 0);
  }

  #find(lines: number): Block | undefined {
    const exact = classOf(lines);
    let block = this.#lists[exact];
    for (let tries = 0; block && tries < exactTries; tries++, block = block.next) {
      if (block.lines >= lines) return block;
    }
    // Every block of a larger class fits; the lowest occupied one wastes least.
    let word = (exact + 1) >> 5;
    let bits = (this.#occupied[word] ?? 0) & (-1 << ((exact + 1) & 31));
    while (bits === 0 && ++word < this.#occupied.length) bits = this.#occupied[word] ?? 0;
    if (bits !== 0) return this.#lists[word * 32 + 31 - Math.clz32(bits & -bits)];
    while (block && block.lines < lines) block = block.next;
    return block;
  }

  #link(block: Block): void {
    const index = classOf(block.lines);
    const head = this.#lists[index];
    block.free = true;
    block.previous = undefined;
    block.next = head;
    if (head) head.previous = block;
    this.#lists[index] = block;
    this.#occupied[index >> 5] = (this.#occupied[index >> 5] ?? 0) | (1 << (index & 31));
  }

  #unlink(block: Block): void {
    const index = classOf(block.lines);
    if (block.next) block.next.previous = block.previous;
    if (block.previous) block.previous.next = block.next;
    else {
      this.#lists[index] = block.next;
      if (!block.next) {
        this.#occupied[index >> 5] = (this.#occupied[index >> 5] ?? 0) & ~(1 << (index & 31));
      }
    }
    block.free = false;
  }

  #absorb(block: Block, after: Block): void {
    this.#unlink(after);
    this.#join(block, after);
  }

  /** Makes `after` the tail of `block`, its left neighbour. */
  #join(block: Block, after: Block): void {
    block.lines += after.lines;
    block.after = after.after;
    if (after.after) after.after.before = block;
    else this.#last = block;
    after.next = this.#spare;
    this.#spare = after;
  }

  #record(start: number, lines: number, before: Block | undefined, after: Block | undefined): Block {
    const spare = this.#spare;
    if (!spare) {
      return { start, lines, free: false, before, after, previous: undefined, next: undefined };
    }
    this.#spare = spare.next;
    spare.start = start;
    spare.lines = lines;
    spare.free = false;
    spare.before = before;
    spare.after = after;
    spare.previous = undefined;
    spare.next = undefined;
    return spare;
  }
}
