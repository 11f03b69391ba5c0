import { printable } from "@mamba/kernel";

/**
 * Codes of `ChatError`, stable like those of `KernelError`:
 * - `NO_TEMPLATE`: the model has no chat template
 * - `TEMPLATE`: the template cannot be parsed, fails on the conversation, or refuses it (`raise_exception`)
 * - `TEMPLATE_LIMIT`: the template is too long, or takes more time or memory than it may, or makes a longer text
 * - `MESSAGES`: the messages or tools are not a conversation, or name a message that is not there
 * - `SAVED`: the bytes are not a saved session of this model, or are damaged
 * - `LENGTH`: the conversation has more tokens than the option `maxLength` allows
 * - `IN_USE`: the session is giving an answer
 * - `DISPOSED`: the session is disposed
 */
export type ChatErrorCode =
  "NO_TEMPLATE" | "TEMPLATE" | "TEMPLATE_LIMIT" | "MESSAGES" | "SAVED" | "LENGTH" | "IN_USE" | "DISPOSED";

const brand = Symbol.for("@mamba/chat.ChatError");

/** The error that this package throws. Recognise it with `ChatError.is`, which survives duplicate copies of the package. */
export class ChatError extends Error {
  readonly code: ChatErrorCode;

  constructor(code: ChatErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "ChatError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `ChatError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: ChatErrorCode): error is ChatError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as ChatError).code === code)
    );
  }
}
