import { printable } from "@mamba/kernel";

/** A stream to write to. `isTTY` is true when a person sees it. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** A stream to read from. `isTTY` is true when a person types. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
}

/** The process as a command sees it. */
export interface Host {
  /** Path of the script that runs, to start it again in a process of its own. */
  readonly program: string;
  readonly stdin: Input;
  /** Data only. */
  readonly stdout: Output;
  /** Everything for people: progress, notes, errors. */
  readonly stderr: Output;
  /** Aborts with a `Stop` when the command should end early. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Writes data, and waits while its reader is slow. */
export async function print({ stdout, signal }: Host, text: string): Promise<void> {
  if (stdout.write(text) || signal.aborted) return;
  await new Promise<void>((resolve) => {
    stdout.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Generated text as a terminal may show it: control characters other than tab and newline, which could move the cursor or worse, are replaced. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, "\uFFFD");
}

/** Prints generated text. A terminal gets it without control characters. */
export async function printUntrusted(host: Host, text: string): Promise<void> {
  await print(host, host.stdout.isTTY ? withoutControls(text) : text);
}

/** Writes one line for people. Control characters in it are escaped. */
export function note({ stderr }: Host, text: string): void {
  stderr.write(`${printable(text)}\n`);
}

/** Prints one JSON document and a newline, for scripts. */
export async function printJson(host: Host, value: unknown): Promise<void> {
  await print(host, `${JSON.stringify(value, undefined, 2)}\n`);
}
