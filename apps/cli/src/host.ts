/** A stream to write to; `isTTY` when a person watches. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** What a command sees of the process that runs it. */
export interface Host {
  /** The script that runs: to start it again in a process of its own. */
  readonly program: string;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean | undefined };
  /** Data, and nothing else. */
  readonly stdout: Output;
  /** Everything for people: progress, notes, errors. */
  readonly stderr: Output;
  /** Aborts with a `Stop` when the command should end early. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Writes, and waits while the reader is slow. */
export async function print({ stdout, signal }: Host, text: string): Promise<void> {
  if (stdout.write(text) || signal.aborted) return;
  await new Promise<void>((resolve) => {
    stdout.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * Prints what a model wrote. On a terminal, control characters other than tab and newline are replaced: they could
 * move the cursor or worse.
 */
export async function printUntrusted(host: Host, text: string): Promise<void> {
  const controls = /[^\P{Cc}\t\n]/gu;
  await print(host, host.stdout.isTTY ? text.replace(controls, "\uFFFD") : text);
}

/** One line to people. */
export function note({ stderr }: Host, text: string): void {
  stderr.write(`${text}\n`);
}

/** Data for scripts: one JSON document, ending in a newline. */
export async function printJson(host: Host, value: unknown): Promise<void> {
  await print(host, `${JSON.stringify(value, undefined, 2)}\n`);
}
