import { SafetensorsError } from "@mamba/core/safetensors";
import { printable } from "@mamba/kernel";

/**
 * Codes of `CheckpointError`. They are stable: scripts match on them, while messages may change.
 *
 * Finding a checkpoint:
 * - `NOT_FOUND`: no such folder, file, model name or URL
 * - `AMBIGUOUS`: several GGUF files could be meant; the message lists them
 * - `NO_WEIGHTS`: the place has no file of weights
 * - `PATH`: a name or a symbolic link points outside the checkpoint's folder
 * - `HUB`: the hub answered with an error or with invalid data
 * - `OFFLINE`: the model is not in the cache, and the hub is unreachable or `offline` is set
 * - `IN_USE`: another process is downloading the model that should be removed
 * - `IO`: reading or writing failed; `cause` is the system's error
 *
 * Files that are damaged or hostile:
 * - `TRUNCATED`: the file ends before it should
 * - `TOO_LARGE`: a header, config or index above its cap
 * - `HEADER`: a header, or the directory of a zip, that does not describe tensors
 * - `GGUF_VERSION`: a GGUF file of another version, a big-endian one, or a file from before GGUF
 * - `PICKLE`: a pickle that holds anything but named tensors, or is malformed. Nothing in it was executed
 * - `JSON`: malformed JSON, or text that is not UTF-8
 * - `DUPLICATE_KEY`: a JSON object or GGUF metadata name the same key twice, or a GGUF file the same tensor
 * - `SHAPE`: a shape with negative, fractional or overflowing extents, or one that does not fit its bytes
 * - `OFFSETS`: byte ranges out of bounds, reversed, overlapping or with gaps
 * - `DTYPE`: a storage type that is unknown, or that models cannot use
 * - `CHECKSUM`: the file has another content than when it was written
 * - `NON_FINITE`: a weight is NaN or infinite, or becomes so in the requested storage type
 * - `INDEX`: a sharded index that contradicts its shards, or GGUF files that are not the shards of one model
 * - `TOKENIZER`: a tokenizer.json that cannot be used, or text that the model has no ids for
 *
 * Models:
 * - `CONFIG`: a config field is missing or breaks its rule
 * - `UNSUPPORTED_MODEL`: a well-formed checkpoint of another architecture, or a model that the requested format cannot
 *   describe
 * - `ADAPTER`: the model to be saved has an adapter attached
 * - `UNSUPPORTED_ADAPTER`: a well-formed adapter that is not plain LoRA on the linear layers
 * - `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`: the tensors are not those of the config
 */
export type CheckpointErrorCode =
  | "NOT_FOUND"
  | "AMBIGUOUS"
  | "NO_WEIGHTS"
  | "PATH"
  | "HUB"
  | "OFFLINE"
  | "IN_USE"
  | "IO"
  | "TRUNCATED"
  | "TOO_LARGE"
  | "HEADER"
  | "GGUF_VERSION"
  | "PICKLE"
  | "JSON"
  | "DUPLICATE_KEY"
  | "SHAPE"
  | "OFFSETS"
  | "DTYPE"
  | "CHECKSUM"
  | "NON_FINITE"
  | "INDEX"
  | "TOKENIZER"
  | "CONFIG"
  | "UNSUPPORTED_MODEL"
  | "ADAPTER"
  | "UNSUPPORTED_ADAPTER"
  | "MISSING_TENSOR"
  | "EXTRA_TENSOR"
  | "TENSOR_SHAPE";

const brand = Symbol.for("@mamba/checkpoint.CheckpointError");

/** Thrown by loading and saving. Recognise it with `CheckpointError.is`, which survives duplicate copies. */
export class CheckpointError extends Error {
  readonly code: CheckpointErrorCode;

  constructor(code: CheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "CheckpointError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `CheckpointError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: CheckpointErrorCode): error is CheckpointError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as CheckpointError).code === code)
    );
  }
}

/**
 * Throws an error of the safetensors codec as the `CheckpointError` with the same code and message, and any other error
 * as it is.
 */
export function rethrow(error: unknown): never {
  if (SafetensorsError.is(error)) throw new CheckpointError(error.code, error.message, { cause: error });
  throw error;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
