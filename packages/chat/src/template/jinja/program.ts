import { parse } from "@huggingface/jinja";
import { ChatError } from "../../errors.ts";
import { fail } from "./fail.ts";
import type { Node } from "./nodes.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** Most characters of a template. The longest published ones have some 20 thousand. */
const maxLength = 2 ** 18;

/**
 * Parses a template, in a time that is bounded by its length.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`
 */
export function parseTemplate(source: string): Node {
  if (source.length > maxLength) {
    throw new ChatError("TEMPLATE_LIMIT", `chat template: it has more than ${maxLength} characters`);
  }
  const tokens = tokensOf(source);
  try {
    return parseTokens(tokens);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ChatError("TEMPLATE_LIMIT", "chat template: it is nested too deeply", { cause: error });
    }
    return fail(`line ${lastLine(tokens)}: ${reasonOf(error)}`);
  }
}

function parseTokens(tokens: Token[]): Node {
  return parse(tokens as unknown as Parameters<typeof parse>[0]) as unknown as Node;
}

/** The line of the last token that the parser reads. */
function lastLine(tokens: Token[]): number {
  let last = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) last = Math.max(last, Number(key));
      return Reflect.get(target, key) as unknown;
    },
  });
  try {
    parseTokens(watched);
  } catch {
    // The error is that of the first time.
  }
  return tokens[Math.min(last, tokens.length - 1)]?.line ?? 1;
}

function reasonOf(error: unknown): string {
  // The parser reads beyond its last token where the template ends too early.
  if (error instanceof TypeError) return "a block or an expression has no end";
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown statement type: (\w+)$/.exec(message)?.[1];
  return unknown === undefined
    ? `it is not written as a template should be: ${message.replace(/^Parser Error: /, "")}`
    : `the statement ${unknown} is not known here or not supported`;
}
