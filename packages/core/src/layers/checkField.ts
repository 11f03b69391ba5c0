import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";

export function inRange(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

/** @throws MambaError `CONFIG`, naming the field, its rule and the value, unless `holds` */
export function check(field: string, value: unknown, holds: boolean, rule: string): void {
  if (holds) return;
  throw new MambaError("CONFIG", `config field ${field} must be ${rule}, got ${describe(value)}`);
}

/** @throws MambaError `CONFIG` unless the value is a whole number from `min` to `max` */
export function checkWhole(field: string, value: unknown, min: number, max: number): void {
  const holds = Number.isInteger(value) && inRange(value, min, max);
  check(field, value, holds, `a whole number from ${min} to ${max}`);
}

/** @throws MambaError `CONFIG` unless the value is one of `values` */
export function checkChoice(field: string, value: unknown, values: readonly string[]): void {
  const words = values
    .map((choice) => JSON.stringify(choice))
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");
  check(field, value, values.includes(value as string), words);
}

/** @throws MambaError `CONFIG` unless `dropout` is a probability below 1 */
export function checkDropout(dropout: unknown): void {
  check("dropout", dropout, inRange(dropout, 0, 1) && dropout !== 1, "a number in [0, 1)");
}

/** @throws MambaError `CONFIG` unless the value is true or false */
export function checkFlag(field: string, value: unknown): void {
  check(field, value, typeof value === "boolean", "true or false");
}
