// A two-level segregated-fit allocator (Masmano et al., "TLSF", ECRTS 2004) over an address space that only grows.
// Constant time, neighbouring free chunks merge at once, and chunk records are reused, so that a steady state of
// equal requests creates no objects. Everything is counted in lines of 64 bytes: 2^26 lines make 4 GiB.

/** Bytes per line: a cache line, and enough for every SIMD alignment. */
export const lineBytes = 64;

/** One chunk of the heap, free or in use. Instances are reused: do not keep one after `free`. */
export class Chunk {
  /** Position and length, in lines. */
  start: number;
  lines: number;
  free = false;
  /** Number of the first lines that may hold other values than 0 since the chunk was allocated. Kept by `Heap`. */
  used = 0;
  /** Neighbours by address. */
  before: Chunk | undefined;
  after: Chunk | undefined;
  /** Neighbours in the list of its size class, while free. */
  previous: Chunk | undefined;
  next: Chunk | undefined;

  constructor(start: number, lines: number, before: Chunk | undefined, after: Chunk | undefined) {
    this.start = start;
    this.lines = lines;
    this.before = before;
    this.after = after;
  }

  /** Byte address of the first line. */
  get address(): number {
    return this.start * lineBytes;
  }
}

const subdivisionBits = 4;
const subdivisions = 1 << subdivisionBits;
/** Enough of the first free chunks of the exact class are tried for a request of a size that just came free. */
const exactTries = 16;

/** Class of chunks of this many lines: its power of two and, within that, a sixteenth. */
function classOf(lines: number): number {
  if (lines < subdivisions) return lines;
  const power = 31 - Math.clz32(lines);
  return (
    (power - subdivisionBits + 1) * subdivisions + ((lines >>> (power - subdivisionBits)) - subdivisions)
  );
}

const classCount = classOf(2 ** 26) + 1;

/** Hands out chunks of lines; knows nothing of the memory itself. */
export class Allocator {
  readonly #lists = new Array<Chunk | undefined>(classCount).fill(undefined);
  /** Bit c of word c >> 5: class c has a free chunk. */
  readonly #occupied = new Uint32Array((classCount + 31) >> 5);
  #last: Chunk | undefined;
  #spare: Chunk | undefined;
  #end: number;

  /** @param start the first line */
  constructor(start: number) {
    this.#end = start;
  }

  /** The line after the last. */
  get end(): number {
    return this.#end;
  }

  /** A chunk of exactly `lines` lines, or undefined when no free chunk is large enough: then `grow` and ask again. */
  allocate(lines: number): Chunk | undefined {
    const chunk = this.#find(lines);
    if (!chunk) return undefined;
    this.#unlink(chunk);
    if (chunk.lines > lines) {
      const rest = this.#record(chunk.start + lines, chunk.lines - lines, chunk, chunk.after);
      if (rest.after) rest.after.before = rest;
      else this.#last = rest;
      chunk.after = rest;
      chunk.lines = lines;
      this.#link(rest);
    }
    return chunk;
  }

  /** Gives a chunk back. */
  free(chunk: Chunk): void {
    const { before, after } = chunk;
    let merged = chunk;
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
    const chunk = this.#record(this.#end, lines, this.#last, undefined);
    if (this.#last) this.#last.after = chunk;
    this.#last = chunk;
    this.#end += lines;
    this.free(chunk);
  }

  /** Lines that are missing at the end for a request that found no chunk. */
  shortfall(lines: number): number {
    return lines - (this.#last?.free ? this.#last.lines : 0);
  }

  #find(lines: number): Chunk | undefined {
    const exact = classOf(lines);
    let chunk = this.#lists[exact];
    for (let tries = 0; chunk && tries < exactTries; tries++, chunk = chunk.next) {
      if (chunk.lines >= lines) return chunk;
    }
    // Every chunk of a larger class fits; the lowest occupied one wastes least.
    let word = (exact + 1) >> 5;
    let bits = (this.#occupied[word] ?? 0) & (-1 << ((exact + 1) & 31));
    while (bits === 0 && ++word < this.#occupied.length) bits = this.#occupied[word] ?? 0;
    if (bits !== 0) return this.#lists[word * 32 + 31 - Math.clz32(bits & -bits)];
    while (chunk && chunk.lines < lines) chunk = chunk.next;
    return chunk;
  }

  #link(chunk: Chunk): void {
    const index = classOf(chunk.lines);
    const head = this.#lists[index];
    chunk.free = true;
    chunk.previous = undefined;
    chunk.next = head;
    if (head) head.previous = chunk;
    this.#lists[index] = chunk;
    this.#occupied[index >> 5] = (this.#occupied[index >> 5] ?? 0) | (1 << (index & 31));
  }

  #unlink(chunk: Chunk): void {
    const index = classOf(chunk.lines);
    if (chunk.next) chunk.next.previous = chunk.previous;
    if (chunk.previous) chunk.previous.next = chunk.next;
    else {
      this.#lists[index] = chunk.next;
      if (!chunk.next) {
        this.#occupied[index >> 5] = (this.#occupied[index >> 5] ?? 0) & ~(1 << (index & 31));
      }
    }
    chunk.free = false;
  }

  #absorb(chunk: Chunk, after: Chunk): void {
    this.#unlink(after);
    this.#join(chunk, after);
  }

  /** Makes `after` the tail of `chunk`, its left neighbour. */
  #join(chunk: Chunk, after: Chunk): void {
    chunk.lines += after.lines;
    chunk.after = after.after;
    if (after.after) after.after.before = chunk;
    else this.#last = chunk;
    after.next = this.#spare;
    this.#spare = after;
  }

  #record(start: number, lines: number, before: Chunk | undefined, after: Chunk | undefined): Chunk {
    const spare = this.#spare;
    if (!spare) return new Chunk(start, lines, before, after);
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
