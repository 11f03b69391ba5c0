import { createInterface, type Interface } from "node:readline";
import type { History } from "./history.ts";
import { fromOneLine, joinLines, onOneLine, type TypedLine } from "./joinLines.ts";
import { Keyboard, type TerminalInput } from "./keyboard.ts";

/** The end of reading a message. */
export type ReadLine =
  | { readonly type: "message"; readonly text: string }
  /** Ctrl-C while nothing was typed. */
  | { readonly type: "interrupt" }
  /** Ctrl-D while nothing was typed, or the end of the terminal. */
  | { readonly type: "end" };

/** Options of a `LineEditor`. */
export interface LineEditorOptions {
  readonly input: TerminalInput;
  /** The terminal. */
  readonly output: NodeJS.WritableStream;
  readonly history: History;
  /** The words that Tab completes a beginning to. */
  readonly complete: (line: string) => readonly string[];
  /** True for a terminal that knows no escape sequences. */
  readonly isDumb: boolean;
}

/** Lines after the first. */
const continuation = "... ";
const [pasteOn, pasteOff] = ["\u001b[?2004h", "\u001b[?2004l"];

interface Key {
  readonly name?: string;
  readonly meta?: boolean;
  readonly ctrl?: boolean;
}

/** Reads messages from a terminal, with Node's line editor. */
export class LineEditor implements Disposable {
  readonly #keyboard: Keyboard;
  readonly #output: NodeJS.WritableStream;
  readonly #history: History;
  readonly #isDumb: boolean;
  readonly #interface: Interface;
  /** Lines of the message that is typed. */
  #lines: TypedLine[] = [];
  #resolve: ((result: ReadLine) => void) | undefined;
  #prompt = "";
  #isPasting = false;
  /** The next line is what Ctrl-C has abandoned. */
  #isAbandoned = false;
  #isEnded = false;
  /** The place in the history, from its end; 0 is the line that is typed, which `#draft` keeps. */
  #back = 0;
  #draft = "";

  constructor({ input, output, history, complete, isDumb }: LineEditorOptions) {
    this.#output = output;
    this.#history = history;
    this.#isDumb = isDumb;
    this.#keyboard = new Keyboard(input);
    this.#interface = createInterface({
      input: this.#keyboard.stream,
      output,
      terminal: true,
      historySize: 0,
      completer: (line: string) => [[...complete(line)], line],
    });
    this.#keyboard.stream.on("keypress", (_: string | undefined, key: Key) => this.#onKey(key));
    this.#interface.on("line", (line) => this.#onLine(line));
    this.#interface.on("SIGINT", () => this.#onInterrupt());
    this.#interface.on("SIGTSTP", () => {
      this.#setPasting(false);
      this.#keyboard.suspend(() => {
        this.#setPasting(true);
        this.#interface.prompt(true);
      });
    });
    this.#interface.on("close", () => {
      this.#isEnded = true;
      this.#finish({ type: "end" });
    });
    this.#setPasting(true);
  }

  /**
   * Reads a message of one or several lines.
   *
   * @param text shown as if it were typed
   */
  read(prompt: string, text = ""): Promise<ReadLine> {
    if (this.#isEnded) return Promise.resolve({ type: "end" });
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#lines = [];
      this.#show(prompt);
      if (text !== "") this.#interface.write(onOneLine(text));
      this.#keyboard.giveKeys();
    });
  }

  /** Keeps the keys that are typed while `action` runs for the next line. Ctrl-C calls `onInterrupt`. */
  async during<T>(onInterrupt: () => void, action: () => Promise<T>): Promise<T> {
    this.#keyboard.keepKeys(onInterrupt);
    return action();
  }

  [Symbol.dispose](): void {
    this.#setPasting(false);
    // A signal may come while a line is typed.
    if (this.#resolve !== undefined) this.#output.write("\n");
    this.#resolve = undefined;
    this.#interface.close();
    this.#keyboard[Symbol.dispose]();
  }

  /** A terminal marks pasted text when it is asked to. */
  #setPasting(isOn: boolean): void {
    if (!this.#isDumb) this.#output.write(isOn ? pasteOn : pasteOff);
  }

  #show(prompt: string): void {
    this.#prompt = prompt;
    this.#back = 0;
    this.#interface.setPrompt(this.#lines.length === 0 ? prompt : continuation);
    this.#interface.prompt();
  }

  #onLine(line: string): void {
    if (this.#isAbandoned) {
      this.#isAbandoned = false;
      this.#lines = [];
      this.#show(this.#prompt);
      return;
    }
    this.#lines.push({ text: fromOneLine(line), isPasted: this.#isPasting });
    const message = joinLines(this.#lines);
    if (message === undefined) this.#show(this.#prompt);
    else {
      this.#lines = [];
      this.#finish({ type: "message", text: message });
    }
  }

  #onInterrupt(): void {
    if (this.#interface.line === "" && this.#lines.length === 0) {
      this.#output.write("\n");
      this.#finish({ type: "interrupt" });
      return;
    }
    // Enter is the way to empty the line that also a dumb terminal knows.
    this.#isAbandoned = true;
    this.#interface.write("", { name: "return" });
  }

  #finish(result: ReadLine): void {
    this.#keyboard.keepKeys(() => undefined);
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(result);
  }

  #onKey({ name, meta, ctrl }: Key): void {
    if (name === "paste-start") this.#isPasting = true;
    else if (name === "paste-end") this.#isPasting = false;
    else if (name === "return" && meta) this.#interface.write(onOneLine("\n"));
    else if (name === "up" || (ctrl && name === "p")) this.#recall(this.#back + 1);
    else if (name === "down" || (ctrl && name === "n")) this.#recall(this.#back - 1);
  }

  /** Shows an entry of the history in the place of the line. */
  #recall(back: number): void {
    const { entries } = this.#history;
    if (this.#isDumb || back < 0 || back > entries.length) return;
    if (this.#back === 0) this.#draft = this.#interface.line;
    this.#back = back;
    const text = back === 0 ? this.#draft : (entries.at(-back) ?? "");
    this.#interface.write("", { ctrl: true, name: "e" });
    this.#interface.write("", { ctrl: true, name: "u" });
    this.#interface.write(text);
  }
}
