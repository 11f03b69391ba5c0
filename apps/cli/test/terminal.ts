import { PassThrough, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";

/** A terminal on which a test types: an input of keys, and an output that keeps what is shown. */
export class FakeTerminal {
  /** Everything that was written, with escape sequences. */
  shown = "";
  isRaw = false;
  readonly input: PassThrough & { isTTY: true; setRawMode: (isRaw: boolean) => void };
  readonly output: Writable & { isTTY: true; columns: number };

  constructor(columns = 80) {
    const setRawMode = (isRaw: boolean) => void (this.isRaw = isRaw);
    this.input = Object.assign(new PassThrough(), { isTTY: true as const, setRawMode });
    const output = new Writable({
      decodeStrings: false,
      write: (text: string | Buffer, _, done) => {
        this.shown += String(text);
        done();
      },
    });
    this.output = Object.assign(output, { isTTY: true as const, columns });
  }

  /** Types keys. */
  type(keys: string): void {
    this.input.write(keys);
  }

  /** Waits until a text is shown after the place `from`; returns the place behind it. */
  async waitFor(text: string | RegExp, from = 0): Promise<number> {
    for (let waited = 0; waited < 10_000; waited += 5) {
      const rest = this.text.slice(from);
      const at = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
      if (at !== -1) return from + at + (typeof text === "string" ? text.length : 1);
      await setTimeout(5);
    }
    throw new Error(`${String(text)} was not shown; this was: ${JSON.stringify(this.text.slice(from))}`);
  }

  /** The text that was written, without escape sequences and carriage returns. */
  get text(): string {
    // eslint-disable-next-line no-control-regex -- they are what it removes
    return this.shown.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\r/g, "");
  }
}

/** Keys by their names. */
export const keys = {
  ctrlC: "\u0003",
  ctrlD: "\u0004",
  up: "\u001b[A",
  down: "\u001b[B",
  altEnter: "\u001b\r",
  pasteOn: "\u001b[200~",
  pasteOff: "\u001b[201~",
} as const;
