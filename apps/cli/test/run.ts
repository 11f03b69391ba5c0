import { fileURLToPath } from "node:url";
import { runCli } from "../src/cli.ts";
import type { Host } from "../src/program/host.ts";

/** The built program, for tests that need a process. */
export const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** The output of a command line, and its exit code. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Piped text; without it stdin is a terminal. */
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** True when stdout and stderr are terminals. Default false. */
  readonly isTTY?: boolean;
  /** True when stdin is a terminal on which the text of `stdin` is typed. */
  readonly isTerminal?: boolean;
  readonly env?: Host["env"];
  /** Called with every chunk of stdout. */
  readonly onOutput?: (text: string) => void;
  /** Called with every chunk of stderr. */
  readonly onNote?: (text: string) => void;
}

/** Runs a command line in this process. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { stdin, signal = new AbortController().signal, isTTY = false, env = {}, onOutput, onNote } = options;
  const isTerminal = options.isTerminal ?? stdin === undefined;
  const written = { stdout: "", stderr: "" };
  const output = (stream: keyof typeof written) => ({
    isTTY,
    write(text: string) {
      written[stream] += text;
      (stream === "stdout" ? onOutput : onNote)?.(text);
      return true;
    },
    once: () => undefined,
  });
  const code = await runCli(argv, {
    program: main,
    stdin: Object.assign(chunks(stdin), { isTTY: isTerminal }),
    stdout: output("stdout"),
    stderr: output("stderr"),
    signal,
    env,
  });
  return { code, ...written };
}

async function* chunks(text: string | Uint8Array = ""): AsyncGenerator<string | Uint8Array> {
  await Promise.resolve();
  // Two chunks, so that a character may be cut in two.
  const middle = Math.ceil(text.length / 2);
  yield text.slice(0, middle);
  yield text.slice(middle);
}
