import { ChatError } from "../errors.ts";

/**
 * A copy of messages, tools or variables, which later changes of the caller's do not reach.
 *
 * @throws ChatError `MESSAGES` for values that are no data, such as functions
 */
export function copied<T>(value: T, name: string): T {
  try {
    return structuredClone(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("MESSAGES", `${name} must be JSON of at most 64 levels: ${reason}`, { cause });
  }
}
