import { didYouMean } from "../didYouMean.ts";
import { MambaError } from "../errors.ts";

export function inRange(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

/** @throws MambaError `CONFIG`, naming the field, its rule and the value, unless `holds` */
export function check(field: string, value: unknown, holds: boolean, rule: string): void {
  if (holds) return;
  const got = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new MambaError("CONFIG", `config field ${field} must be ${rule}, got ${got}`);
}

/**
 * A misspelt field would silently leave its default.
 *
 * @throws MambaError `CONFIG` when `input` has a field that is not in `known`
 */
export function checkKnown(kind: string, input: object, known: readonly string[]): void {
  const unknown = Object.keys(input).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  throw new MambaError("CONFIG", `there is no ${kind} field ${unknown}${didYouMean(unknown, known)}`);
}
