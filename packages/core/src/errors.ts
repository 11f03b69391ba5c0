import { printable } from "@mamba/kernel";

/**
 * Codes of `MambaError`, stable like those of `KernelError`:
 * - `CONFIG`: a config field breaks its rule
 * - `PARAMETER`: a parameter is missing, superfluous or has the wrong shape or storage type
 * - `INPUT`: token ids, sequences, prompts or positions that the model cannot take, or a custom op whose result or gradients
 *   are not new tensors of the right shapes
 * - `CACHE`: a state does not fit the model or the batch, or its bytes are damaged
 * - `NO_STEP`: the module has no one-token form
 * - `OPTIONS`: an option is unknown or out of its range
 * - `TAPE`: `backward` was called twice, or with a loss that no tracked tensor leads to; a gradient is wanted for an argument
 *   that has none
 * - `IN_USE`: a state or a decoder is used while a generation or a step advances it
 * - `CAPACITY`: all rows of a decoder are taken
 * - `DISPOSED`: the object is disposed
 * - `LENGTH`: a sequence has more positions than `maxLength` allows
 * - `UNSUPPORTED`: an adapter would be merged into quantised weights; sequences are given with a state that grows
 * - `NON_FINITE`: the logits of a row hold NaN or +infinity, or no finite number, so that no token can be chosen
 */
export type MambaErrorCode =
  | "CONFIG"
  | "PARAMETER"
  | "INPUT"
  | "CACHE"
  | "NO_STEP"
  | "OPTIONS"
  | "TAPE"
  | "IN_USE"
  | "CAPACITY"
  | "DISPOSED"
  | "LENGTH"
  | "UNSUPPORTED"
  | "NON_FINITE";

const brand = Symbol.for("@mamba/core.MambaError");

/** The error that models throw. Recognise it with `MambaError.is`, which survives duplicate copies of the package. */
export class MambaError extends Error {
  readonly code: MambaErrorCode;

  constructor(code: MambaErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "MambaError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `MambaError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: MambaErrorCode): error is MambaError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as MambaError).code === code)
    );
  }
}
