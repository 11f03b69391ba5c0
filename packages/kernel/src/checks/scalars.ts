import { fail } from "./fail.ts";

/** @throws KernelError `ARGUMENT` unless `value` is a whole number from `min` to `max`. */
export function checkInteger(op: string, name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail("ARGUMENT", op, `${name} must be a whole number from ${min} to ${max}, got ${value}`);
  }
}

/** @throws KernelError `ARGUMENT` unless `value` is finite. */
export function checkFinite(op: string, name: string, value: number): void {
  if (!Number.isFinite(value)) fail("ARGUMENT", op, `${name} must be a finite number, got ${value}`);
}

/** @throws KernelError `ARGUMENT` unless `value` is finite and not negative. */
export function checkNotNegative(op: string, name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) {
    fail("ARGUMENT", op, `${name} must be a number >= 0, got ${value}`);
  }
}

/** @throws KernelError `ARGUMENT` unless `value` is finite and above 0. */
export function checkPositive(op: string, name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    fail("ARGUMENT", op, `${name} must be a number > 0, got ${value}`);
  }
}
