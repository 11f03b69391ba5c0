import { TrainError } from "../errors.ts";

/** Data that is refused: `where: expected, got …`. */
export function dataError(where: string, expected: string, got: string, cause?: unknown): TrainError {
  return new TrainError("DATA", `${where}: ${expected}, got ${got}`, cause === undefined ? {} : { cause });
}

/** Text of a file, for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}

/** The message of an error of a decoder. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @throws TrainError `CONFIG` unless each field is a whole number of at least `min` */
export function checkWhole(owner: string, fields: Readonly<Record<string, number>>, min = 1): void {
  for (const [field, value] of Object.entries(fields)) {
    if (Number.isSafeInteger(value) && value >= min) continue;
    throw new TrainError(
      "CONFIG",
      `${owner}: ${field} must be a whole number >= ${min}, got ${String(value)}`,
    );
  }
}
