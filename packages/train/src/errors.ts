/**
 * Codes of `TrainError`, stable: scripts match on them, messages may change.
 *
 * - `CONFIG`: a field of the training config breaks its rule, or model and kernel cannot be trained as they are
 * - `DATA`: a data source that is empty, too short, malformed, or does not fit the model
 * - `IN_USE`: another process, or another part of this one, has the folder of the run
 * - `NON_FINITE`: the loss, the gradient or a weight is NaN or infinite; the last good state is untouched
 * - `RESUME`: a saved state is of another run (model, config or data), or damaged
 */
export type TrainErrorCode = "CONFIG" | "DATA" | "IN_USE" | "NON_FINITE" | "RESUME";

const brand = Symbol.for("@mamba/train.TrainError");

/** What training throws. Recognise it with `TrainError.is`, which survives duplicate copies of the package. */
export class TrainError extends Error {
  readonly code: TrainErrorCode;

  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
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
