import { printable } from "./printable.ts";

/**
 * Codes of all kernel errors. Codes are stable, so callers may match on them; messages may change.
 *
 * Mistakes of the caller, thrown at once by the call with the mistake:
 * - `ARGUMENT`: a scalar or option is out of its range, or two arguments contradict each other
 * - `SHAPE`: a tensor's shape is not the one the op needs
 * - `DTYPE`: a tensor's storage type is not one that the op accepts
 * - `DISPOSED`: a tensor or kernel was used after `dispose`
 * - `FOREIGN_TENSOR`: a tensor belongs to another kernel instance
 * - `UNSUPPORTED`: this backend does not have the op (see `Kernel.supports`)
 *
 * Limits of the machine:
 * - `OUT_OF_MEMORY`: an allocation failed; the kernel stays usable
 * - `DEVICE_LOST`: the device is lost; every later call throws this
 *
 * Opening a backend (also the codes of `Availability`):
 * - `NOT_INSTALLED`, `NO_DEVICE`, `DRIVER`, `LIMITS`, `INTERFACE_VERSION`, and `NO_BACKEND` when no candidate opened
 */
export type KernelErrorCode =
  | "ARGUMENT"
  | "SHAPE"
  | "DTYPE"
  | "DISPOSED"
  | "FOREIGN_TENSOR"
  | "UNSUPPORTED"
  | "OUT_OF_MEMORY"
  | "DEVICE_LOST"
  | "NO_BACKEND"
  | UnavailableCode;

/** Reasons why a backend cannot be opened on a machine. */
export type UnavailableCode = "NOT_INSTALLED" | "NO_DEVICE" | "DRIVER" | "LIMITS" | "INTERFACE_VERSION";

const brand = Symbol.for("@mamba/kernel.KernelError");

/** The one error class of every backend. Recognise it with `KernelError.is`, which survives duplicate copies. */
export class KernelError extends Error {
  readonly code: KernelErrorCode;

  constructor(code: KernelErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "KernelError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `KernelError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: KernelErrorCode): error is KernelError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as KernelError).code === code)
    );
  }
}
