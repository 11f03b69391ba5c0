import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { readNumber } from "../program/options.ts";

/** The input of a generation: text, raw token ids, or undefined when a saved state is continued as it is. */
export type Prompt = { readonly text: string } | { readonly ids: readonly number[] } | undefined;

/** Limit of a prompt on stdin: far above what makes sense, far below what fills the memory. */
const maxPromptBytes = 256 * 2 ** 20;

/**
 * The prompt from its argument, from `--prompt-ids`, or from stdin when the argument is `-` or is missing. One newline at
 * the end of stdin is dropped, because `echo` and editors add it.
 *
 * @param optional true when there need not be a prompt, because a saved state is continued
 * @throws CliError `USAGE`
 */
export async function readPrompt(
  text: string | undefined,
  ids: readonly number[] | undefined,
  optional: boolean,
  host: Host,
): Promise<Prompt> {
  if (ids !== undefined) {
    if (text !== undefined) throw usage("give a prompt or --prompt-ids, not both");
    return { ids };
  }
  const isPiped = host.stdin.isTTY !== true;
  if (text !== undefined && text !== "-") return checkText(text);
  if (text === undefined && optional) return undefined;
  if (text === undefined && !isPiped) throw usage("there is no prompt: give it as an argument or on stdin");
  return checkText((await readStdin(host)).replace(/\r?\n$/, ""));
}

function checkText(text: string): Prompt {
  if (text === "") throw usage("the prompt is empty");
  return { text };
}

/** `5,17,3`. @throws CliError `USAGE` */
export function parseIds(text: string): number[] {
  return text.split(",").map((id) => readNumber("prompt-ids", id, { whole: true, min: 0 }));
}

async function readStdin({ stdin, signal }: Host): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const chunks: string[] = [];
  let bytes = 0;
  const reading = (async () => {
    try {
      for await (const chunk of stdin) {
        const data = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
        bytes += data.length;
        if (bytes > maxPromptBytes) throw usage(`the prompt on stdin is longer than ${maxPromptBytes} bytes`);
        chunks.push(decoder.decode(data, { stream: true }));
      }
      chunks.push(decoder.decode());
    } catch (error) {
      throw error instanceof TypeError ? usage("the prompt on stdin is not UTF-8 text") : error;
    }
    return chunks.join("");
  })();
  // Ctrl-C must end a wait for someone who types.
  return Promise.race([reading, rejectOnAbort(signal)]);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
