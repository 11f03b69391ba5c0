import type { Host } from "./host.ts";

/**
 * Asks a question on stderr and reads the answer from stdin, which is a terminal.
 *
 * @returns true for "y" or "yes"; false for anything else, and at the end of stdin
 * @throws the reason of the host's signal
 */
export async function confirm({ stdin, stderr, signal }: Host, question: string): Promise<boolean> {
  stderr.write(`${question} [y/N] `);
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  signal.throwIfAborted();
  const decoder = new TextDecoder();
  let line = "";
  const reading = (async () => {
    for await (const chunk of stdin) {
      line += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      if (line.includes("\n")) break;
    }
    return /^\s*y(es)?\s*(\n|$)/i.test(line);
  })();
  return Promise.race([reading, stopped]);
}
