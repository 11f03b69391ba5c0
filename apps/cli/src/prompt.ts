import { readNumber, usage } from "./args.ts";
import type { Host } from "./host.ts";

/** What the model is given: text, raw token ids, or nothing when a saved state goes on by itself. */
export type Prompt = { readonly text: string } | { readonly ids: readonly number[] } | undefined;

/** No prompt may be longer: far beyond what makes sense, far below what fills the memory. */
const maxPromptBytes = 256 * 2 ** 20;

/**
 * The prompt from its argument, from `--prompt-ids`, or from stdin when the argument is `-` or when something is piped
 * in. One newline at the end of piped text is dropped: `echo` and editors put it there.
 *
 * @param mayBeMissing whether a saved state can go on without one
 * @throws CliError `USAGE`
 */
export async function readPrompt(
  text: string | undefined,
  idsText: string | undefined,
  mayBeMissing: boolean,
  host: Host,
): Promise<Prompt> {
  if (idsText !== undefined) {
    if (text !== undefined) throw usage("give a prompt or --prompt-ids, not both");
    return { ids: readIds(idsText) };
  }
  const isPiped = host.stdin.isTTY !== true;
  if (text !== undefined && text !== "-") return checkText(text);
  if (text === undefined && mayBeMissing) return undefined;
  if (text === undefined && !isPiped) throw usage("there is no prompt: give it as an argument or on stdin");
  return checkText((await readStdin(host)).replace(/\r?\n$/, ""));
}

function checkText(text: string): Prompt {
  if (text === "") throw usage("the prompt is empty");
  return { text };
}

function readIds(text: string): number[] {
  return text.split(",").map((id) => readNumber("prompt-ids", id, { whole: true, min: 0 }));
}

async function readStdin({ stdin, signal }: Host): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts: string[] = [];
  let bytes = 0;
  const reading = (async () => {
    try {
      for await (const chunk of stdin) {
        const data = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
        bytes += data.length;
        if (bytes > maxPromptBytes) throw usage(`the prompt on stdin is longer than ${maxPromptBytes} bytes`);
        parts.push(decoder.decode(data, { stream: true }));
      }
      parts.push(decoder.decode());
    } catch (error) {
      throw error instanceof TypeError ? usage("the prompt on stdin is not UTF-8 text") : error;
    }
    return parts.join("");
  })();
  // Waiting for someone to type must not outlive Ctrl-C.
  return Promise.race([reading, rejectOnAbort(signal)]);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
