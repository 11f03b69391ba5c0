import { printable } from "@mamba/kernel";

/**
 * Codes of `TrainError`. They are stable, so that scripts can match them; messages may change.
 *
 * - `CONFIG`: a field of the training config is invalid, or the model or the kernel cannot be trained
 * - `DATA`: a data source is empty, too short or malformed, or does not fit the model
 * - `IN_USE`: another process, or another part of this one, has opened the run's folder
 * - `NON_FINITE`: the loss, the gradient or a weight is NaN or infinite; the last saved state stays valid
 * - `OUT_OF_MEMORY`: a step would need more memory than there is; nothing was computed
 * - `RESUME`: a saved state is damaged, or belongs to a run with another model, config or data
 */
export type TrainErrorCode = "CONFIG" | "DATA" | "IN_USE" | "NON_FINITE" | "OUT_OF_MEMORY" | "RESUME";

const brand = Symbol.for("@mamba/train.TrainError");

/** The error class of this package. `TrainError.is` also recognises errors of duplicate copies of the package. */
export class TrainError extends Error {
  readonly code: TrainErrorCode;

  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "TrainError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `TrainError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: TrainErrorCode): error is TrainError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as TrainError).code === code)
    );
  }
}
