/** Counts tokens and measures their rate since the last pause. */
export class Meter {
  readonly #now: () => number;
  #tokens = 0;
  /** Steps from one token to the next since the last pause, and their duration. */
  #steps = 0;
  #ms = 0;
  #last: number | undefined;

  /** @param now clock in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Tokens per second; undefined before there are two tokens since the last pause. */
  get perSecond(): number | undefined {
    return this.#ms > 0 ? (this.#steps / this.#ms) * 1000 : undefined;
  }

  /** Counts one token. The first one, and the first after a pause, starts the clock: it comes from a prompt, not from a step. */
  count(): void {
    const now = this.#now();
    this.#tokens++;
    if (this.#last !== undefined) {
      this.#steps++;
      this.#ms += now - this.#last;
    }
    this.#last = now;
  }

  /** Restarts the measurement with the next token. */
  pause(): void {
    this.#last = undefined;
    this.#steps = this.#ms = 0;
  }
}
