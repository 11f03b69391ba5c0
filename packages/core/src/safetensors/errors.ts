import { printable } from "@mamba/kernel";

/**
 * Codes of `SafetensorsError`, stable like those of `KernelError`:
 * - `TRUNCATED`: the file ends before it should
 * - `TOO_LARGE`: the header is above its cap of 16 MiB
 * - `PICKLE`: the file is a PyTorch pickle
 * - `HEADER`: the header does not describe tensors
 * - `JSON`: malformed JSON, or text that is not UTF-8
 * - `DUPLICATE_KEY`: a JSON object names the same key twice
 * - `DTYPE`: an unknown storage type
 * - `SHAPE`: a shape with negative, fractional or overflowing extents, or one that does not fit its bytes
 * - `OFFSETS`: byte ranges out of bounds, reversed, overlapping or with gaps
 * - `CHECKSUM`: the file has another content than when it was written
 * - `MISSING_TENSOR`: the file has no tensor of the requested name
 */
export type SafetensorsErrorCode =
  | "TRUNCATED"
  | "TOO_LARGE"
  | "PICKLE"
  | "HEADER"
  | "JSON"
  | "DUPLICATE_KEY"
  | "DTYPE"
  | "SHAPE"
  | "OFFSETS"
  | "CHECKSUM"
  | "MISSING_TENSOR";

const brand = Symbol.for("@mamba/core.SafetensorsError");

/** Thrown for damaged files. Recognise it with `SafetensorsError.is`, which survives duplicate copies of the package. */
export class SafetensorsError extends Error {
  readonly code: SafetensorsErrorCode;

  constructor(code: SafetensorsErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.name = "SafetensorsError";
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `SafetensorsError` of any copy of this package; with `code`, only for that code. */
  static is(error: unknown, code?: SafetensorsErrorCode): error is SafetensorsError {
    return (
      error instanceof Error &&
      (error as { [brand]?: boolean })[brand] === true &&
      (code === undefined || (error as SafetensorsError).code === code)
    );
  }
}

/** An untrusted value as text for an error message: one line, at most 120 characters. */
export function show(value: unknown): string {
  const text = textOf(value, 0);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** Arrays inside of arrays are shown to this depth: files may nest them without end. */
const shownDepth = 2;

function textOf(value: unknown, depth: number): string {
  if (typeof value === "string") return printable(JSON.stringify(value.slice(0, 120)));
  if (Array.isArray(value)) {
    if (depth === shownDepth) return "[…]";
    const shown = value.slice(0, 8).map((item) => textOf(item, depth + 1));
    return `[${shown.join(", ")}${value.length > 8 ? ", …" : ""}]`;
  }
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
