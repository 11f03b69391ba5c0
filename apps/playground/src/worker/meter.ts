/** Counts tokens, and how fast they come since the last pause: on the backend in use, that is. */
export class Meter {
  readonly #now: () => number;
  #tokens = 0;
  /** Steps from one token to the next, and how long they took. */
  #steps = 0;
  #ms = 0;
  #last: number | undefined;

  /** @param now milliseconds, from any start */
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

  /** One more token. The first one, and the first after a pause, only starts the clock: it took a prompt, not a step. */
  count(): void {
    const now = this.#now();
    this.#tokens++;
    if (this.#last !== undefined) {
      this.#steps++;
      this.#ms += now - this.#last;
    }
    this.#last = now;
  }

  /** The rate begins anew with the next token. */
  pause(): void {
    this.#last = undefined;
    this.#steps = this.#ms = 0;
  }
}
