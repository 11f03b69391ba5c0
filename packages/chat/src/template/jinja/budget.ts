import { ChatError } from "../../errors.ts";

/** Limits on one rendering. */
export interface Limits {
  readonly timeMs: number;
  readonly textLength: number;
  readonly memoryBytes: number;
}

/** Most calls of `enter` without a `leave`: operators, blocks and macros inside of each other. */
const maxDepth = 400;
/** Steps between two looks at the clock: under a millisecond. */
const stepsPerCheck = 2048;
/** Characters that are read in about the time of a step. */
const charactersPerStep = 64;

/** Counts what a rendering costs, and ends it with a ChatError `TEMPLATE_LIMIT` where that is too much. */
export class Budget {
  readonly #limits: Limits;
  readonly #end: number;
  #steps = 0;
  #bytes = 0;
  #depth = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#end = performance.now() + limits.timeMs;
  }

  /** Counts work: an evaluated node, or an element of a list that is looked at. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps >= stepsPerCheck) this.#look();
  }

  /** Counts characters that are read. A text that was put together is copied into one by its first reading. */
  read(characters: number): void {
    this.step(1 + characters / charactersPerStep);
  }

  /** Counts bytes before they are allocated. They are never given back. */
  allocate(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.memoryBytes) {
      refuse(`it needs more than ${Math.round(this.#limits.memoryBytes / 2 ** 20)} MiB of memory`);
    }
  }

  /** Checks the length of a text before it is made, and counts the characters of it that are new. */
  text(length: number, made = length): void {
    if (length > this.#limits.textLength) {
      refuse(`it makes a text of more than ${this.#limits.textLength} characters`);
    }
    this.read(made);
    this.allocate(32 + 2 * made);
  }

  /** Counts elements of a list or an object before they are made. */
  elements(count: number): void {
    this.step(1 + count / 8);
    this.allocate(32 + 16 * count);
  }

  enter(): void {
    if (++this.#depth > maxDepth) refuse("it is nested too deeply");
  }

  leave(): void {
    this.#depth--;
  }

  #look(): void {
    this.#steps = 0;
    if (performance.now() > this.#end) refuse(`it takes more than ${this.#limits.timeMs} ms`);
  }
}

function refuse(reason: string): never {
  throw new ChatError("TEMPLATE_LIMIT", `chat template: ${reason}`);
}
