import { Readable } from "node:stream";
import type { Input } from "../program/host.ts";

/** A terminal as an input: `process.stdin`. */
export interface TerminalInput extends Input {
  setRawMode(isRaw: boolean): unknown;
  on(event: "data", listener: (chunk: Uint8Array | string) => void): unknown;
  on(event: "end" | "close" | "error", listener: () => void): unknown;
  pause(): unknown;
}

/** True for an input on which keys can be read one by one. */
export function isTerminalInput(input: Input): input is TerminalInput {
  return input.isTTY === true && "setRawMode" in input && "pause" in input;
}

const [interrupt, suspend] = ["\u0003", "\u001a"];

/**
 * The keys of a terminal. While a line is read they go to `stream`. While an answer comes, they are kept for the next line, except
 * that Ctrl-C stops the answer: an editor that showed them would write into the answer.
 */
export class Keyboard implements Disposable {
  /** Read by the line editor. */
  readonly stream = new Readable({ read: () => undefined });
  readonly #input: TerminalInput;
  readonly #decoder = new TextDecoder();
  #kept = "";
  /** The editor has not yet read the line that it was given. */
  #isGiving = false;
  /** Undefined while a line is read. */
  #onInterrupt: (() => void) | undefined;

  constructor(input: TerminalInput) {
    this.#input = input;
    input.setRawMode(true);
    input.on("data", (chunk) =>
      this.#take(typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true })),
    );
    for (const event of ["end", "close", "error"] as const) input.on(event, () => this.stream.push(null));
  }

  /** Gives the keys that were kept, and all that follow, to the line editor, until `keepKeys` is called. */
  giveKeys(): void {
    this.#onInterrupt = undefined;
    this.#give();
  }

  /** Keeps the keys from now on. */
  keepKeys(onInterrupt: () => void): void {
    this.#onInterrupt = onInterrupt;
  }

  /** Stops the process as Ctrl-Z does in any program, until the shell continues it. */
  suspend(onContinue: () => void): void {
    if (process.platform === "win32") return;
    this.#input.setRawMode(false);
    process.once("SIGCONT", () => {
      this.#input.setRawMode(true);
      onContinue();
    });
    process.kill(process.pid, "SIGTSTP");
  }

  [Symbol.dispose](): void {
    this.#input.setRawMode(false);
    this.#input.pause();
    this.stream.push(null);
  }

  #take(keys: string): void {
    this.#kept += keys;
    if (this.#onInterrupt === undefined) {
      this.#give();
      return;
    }
    const stop = this.#kept.lastIndexOf(interrupt);
    if (stop !== -1) {
      this.#kept = this.#kept.slice(stop + 1);
      this.#onInterrupt();
    }
    if (!this.#kept.includes(suspend)) return;
    this.#kept = this.#kept.replaceAll(suspend, "");
    this.suspend(() => undefined);
  }

  /** Gives one line after another, as each may end the reading. */
  #give(): void {
    if (this.#isGiving || this.#onInterrupt !== undefined || this.#kept === "") return;
    const end = this.#kept.search(/[\r\n]/) + 1 || this.#kept.length;
    const line = this.#kept.slice(0, end);
    this.#kept = this.#kept.slice(end);
    this.#isGiving = true;
    this.stream.push(line);
    setImmediate(() => {
      this.#isGiving = false;
      this.#give();
    });
  }
}
