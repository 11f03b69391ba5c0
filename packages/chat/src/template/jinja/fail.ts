import { ChatError } from "../../errors.ts";

/** Most characters of a message that a template or a value of it has part in. */
const maxMessage = 500;

/** Throws `TEMPLATE`: the template cannot be used with this conversation. */
export function fail(reason: string): never {
  throw new ChatError("TEMPLATE", `chat template: ${short(reason)}`);
}

export function short(text: string): string {
  return text.length > maxMessage ? `${text.slice(0, maxMessage)}…` : text;
}
