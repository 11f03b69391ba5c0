/**
 * Every way in which a checkpoint can be refused. Codes are stable: scripts match on them, messages may change.
 *
 * Finding it:
 * - `NOT_FOUND`: no such folder, file, model name or URL
 * - `NO_WEIGHTS`: the place has no safetensors weights
 * - `PICKLE`: the weights are there only as a pickle (`pytorch_model.bin`), which runs code when it is read
 * - `PATH`: a name or a symbolic link leads out of the checkpoint's folder
 * - `HUB`: the hub answered with an error, or with something that is not an answer
 * - `OFFLINE`: the model is not in the cache and the hub may not or cannot be asked
 * - `IO`: reading or writing failed; `cause` is the system's error
 *
 * Files that are damaged or hostile:
 * - `TRUNCATED`: the file ends before it should
 * - `TOO_LARGE`: a header, config or index above its cap
 * - `HEADER`: a safetensors header that is not one
 * - `JSON`: malformed JSON, or text that is not UTF-8
 * - `DUPLICATE_KEY`: a JSON object names the same key twice
 * - `SHAPE`: a shape with negative, fractional or overflowing extents, or one that does not fit its bytes
 * - `OFFSETS`: byte ranges out of bounds, reversed, overlapping or with gaps
 * - `DTYPE`: a storage type that is unknown, or that a model cannot be made of
 * - `INDEX`: a sharded index that contradicts its shards
 * - `TOKENIZER`: a tokenizer.json that cannot be used, or text that the model has no ids for
 *
 * Models:
 * - `CONFIG`: a config field is missing or breaks its rule
 * - `UNSUPPORTED_MODEL`: a well-formed checkpoint of another architecture
 * - `UNSUPPORTED_ADAPTER`: a well-formed adapter that is more, or other, than plain LoRA on the linear layers
 * - `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`: the tensors are not those that the config asks for
 */
export type CheckpointErrorCode =
  | "NOT_FOUND"
  | "NO_WEIGHTS"
  | "PICKLE"
  | "PATH"
  | "HUB"
  | "OFFLINE"
  | "IO"
  | "TRUNCATED"
  | "TOO_LARGE"
  | "HEADER"
  | "JSON"
  | "DUPLICATE_KEY"
  | "SHAPE"
  | "OFFSETS"
  | "DTYPE"
  | "INDEX"
  | "TOKENIZER"
  | "CONFIG"
  | "UNSUPPORTED_MODEL"
  | "UNSUPPORTED_ADAPTER"
  | "MISSING_TENSOR"
  | "EXTRA_TENSOR"
  | "TENSOR_SHAPE";

const brand = Symbol.for("@mamba/checkpoint.CheckpointError");

/** What loading and saving throw. Recognise it with `CheckpointError.is`, which survives duplicate copies. */
export class CheckpointError extends Error {
  readonly code: CheckpointErrorCode;

  constructor(code: CheckpointErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
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

/** An untrusted value for a message: short, and on one line. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (Array.isArray(value))
    text = `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", …" : ""}]`;
  else if (typeof value === "object" && value !== null) text = "an object";
  else text = String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
