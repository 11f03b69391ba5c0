import { mostWaiting, windowSize } from "./protocol.ts";

/**
 * The sending side of a stream. Items are sent while fewer than `windowSize` reports are untaken; others wait here, joined where they
 * can be, and `push` waits when they are `mostWaiting`.
 */
export class StreamWindow<T> {
  readonly #send: (items: readonly T[]) => void;
  readonly #join: (last: T, next: T) => T | undefined;
  readonly #signal: AbortSignal;
  #credit = windowSize;
  #waiting: T[] = [];
  /** Items in `#waiting` before they were joined. */
  #count = 0;
  #resume: (() => void) | undefined;

  /**
   * @param send sends a report
   * @param join one item that says the same as two; undefined where there is none
   * @param signal ends the waits of `push`
   */
  constructor(
    send: (items: readonly T[]) => void,
    join: (last: T, next: T) => T | undefined,
    signal: AbortSignal,
  ) {
    this.#send = send;
    this.#join = join;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#resume?.(), { once: true });
  }

  /** Sends an item, or keeps it until the reader has taken a report. Resolves when the next item may come. */
  async push(item: T): Promise<void> {
    const last = this.#waiting.at(-1);
    const joined = last === undefined ? undefined : this.#join(last, item);
    if (joined === undefined) this.#waiting.push(item);
    else this.#waiting[this.#waiting.length - 1] = joined;
    this.#count++;
    this.#flush();
    if (this.#count < mostWaiting || this.#signal.aborted) return;
    await new Promise<void>((resolve) => (this.#resume = resolve));
  }

  /** The reader has taken a report. */
  taken(): void {
    this.#credit = Math.min(this.#credit + 1, windowSize);
    this.#flush();
  }

  /** The items that wait, for the last report. */
  get rest(): readonly T[] {
    return this.#waiting;
  }

  #flush(): void {
    if (this.#credit === 0 || this.#waiting.length === 0) return;
    this.#credit--;
    this.#send(this.#waiting);
    this.#waiting = [];
    this.#count = 0;
    this.#resume?.();
  }
}
