import type { AnswerEnd, ChatEvent, ToolCall } from "@mamba/chat";
import { createColors } from "picocolors";
import { hasColors } from "../program/colors.ts";
import { type Host, print, printUntrusted, withoutControls } from "../program/host.ts";
import { progress } from "../program/progress.ts";

/** An answer with its times. */
export interface TimedAnswer {
  readonly end: AnswerEnd;
  /** From the request to the first token. */
  readonly waitSeconds: number;
  /** From the first token to the end. */
  readonly answerSeconds: number;
}

/** A call on one line: `weather({"city":"Oslo"})`. */
export function describeCall({ name, arguments: given }: ToolCall): string {
  return `${name}(${typeof given === "string" ? given : JSON.stringify(given)})`;
}

/**
 * Prints an answer as it comes: its text and the tools that it calls on stdout, its reasoning on stderr. Returns when the answer has
 * ended.
 *
 * @param start begins the answer; it gets the function to call with the progress of reading the prompt
 * @param silent true to print nothing
 * @throws the error of the answer, after the line is ended
 */
export async function printAnswer(
  start: (onProgress: (done: number, total: number) => void) => AsyncGenerator<ChatEvent>,
  host: Host,
  silent = false,
): Promise<TimedAnswer> {
  const printer = new AnswerPrinter(host);
  const began = performance.now();
  let first: number | undefined;
  using bar = progress(host, "reading", String);
  const answer = start((done, total) => {
    bar.update(done, total);
    if (done === total) bar[Symbol.dispose]();
  });
  try {
    for await (const event of answer) {
      first ??= performance.now();
      bar[Symbol.dispose]();
      if (event.type !== "end") {
        if (!silent) await printer.print(event);
      } else {
        const ended = performance.now();
        return { end: event, waitSeconds: (first - began) / 1000, answerSeconds: (ended - first) / 1000 };
      }
    }
  } finally {
    await printer.end();
  }
  throw new Error("an answer ended without its last event");
}

/** Prints the parts of one answer. */
class AnswerPrinter {
  readonly #host: Host;
  #part: "none" | "reasoning" | "text" | "toolCall" = "none";
  #isLineOpen = false;

  constructor(host: Host) {
    this.#host = host;
  }

  async print(event: Exclude<ChatEvent, AnswerEnd>): Promise<void> {
    const { stdout, stderr } = this.#host;
    const isTerminal = stdout.isTTY === true;
    if (event.type !== this.#part) await this.#begin(event.type);
    if (event.type === "toolCall") {
      await printUntrusted(this.#host, `call ${describeCall(event.call)}\n`);
      return;
    }
    // Templates end the reasoning with blank lines.
    const text = isTerminal && !this.#isLineOpen ? event.text.replace(/^\n+/, "") : event.text;
    if (text === "") return;
    if (event.type === "text") await printUntrusted(this.#host, text);
    else stderr.write(this.#dim(stderr.isTTY ? withoutControls(text) : text));
    this.#isLineOpen = !text.endsWith("\n");
  }

  /** Ends the last line. */
  async end(): Promise<void> {
    if (this.#part === "reasoning") this.#endReasoning();
    // A pipe gets a newline after the text, as from any command.
    else if (this.#isLineOpen || (this.#part === "text" && !this.#host.stdout.isTTY))
      await print(this.#host, "\n");
    this.#isLineOpen = false;
    this.#part = "none";
  }

  async #begin(part: Exclude<ChatEvent, AnswerEnd>["type"]): Promise<void> {
    if (this.#part === "reasoning") this.#endReasoning();
    else if (this.#isLineOpen) {
      await print(this.#host, "\n");
      this.#isLineOpen = false;
    }
    if (part === "reasoning" && !hasColors(this.#host, "stderr")) this.#host.stderr.write("[reasoning]\n");
    this.#part = part;
  }

  #endReasoning(): void {
    const { stderr } = this.#host;
    if (this.#isLineOpen) stderr.write("\n");
    stderr.write(hasColors(this.#host, "stderr") ? "\n" : "[end of reasoning]\n");
    this.#isLineOpen = false;
  }

  #dim(text: string): string {
    return createColors(hasColors(this.#host, "stderr")).dim(text);
  }
}
