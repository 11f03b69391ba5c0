import { printable } from "@mamba/kernel";

/**
 * Codes of `RunError`, stable like those of `KernelError`:
 * - `OPTIONS`: an option or a source cannot be used here: it is unknown, has the wrong type, or cannot be sent to a worker
 * - `WORKER`: the worker could not be started, failed, or was ended while a request waited
 * - `PROTOCOL`: a message that is not one of the protocol, or of another version of it
 * - `DISPOSED`: the model or the conversation is disposed
 */
export type RunErrorCode = "OPTIONS" | "WORKER" | "PROTOCOL" | "DISPOSED";

const brand = Symbol.for("@mamba/run.RunError");

/** The error that this package throws. Recognise it with `RunError.is`, which survives duplicate copies of the package. */
export class RunError extends Error {
  readonly code: RunErrorCode;

  constructor(code: RunErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "RunError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `RunError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: RunErrorCode): error is RunError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as RunError).code === code)
    );
  }
}
