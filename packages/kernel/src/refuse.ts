import { formatShape } from "./bind.ts";
import { KernelError } from "./errors.ts";
import type { Tensor } from "./tensor.ts";

// What the argument checks have in common.

export const floats = ["f32", "f16", "bf16"] as const;

export function fail(code: "ARGUMENT" | "SHAPE" | "DTYPE", op: string, message: string): never {
  throw new KernelError(code, `${op}: ${message}`);
}

export function checkInteger(op: string, name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    fail("ARGUMENT", op, `${name} must be a whole number from ${min} to ${max}, got ${value}`);
  }
}

export function checkFinite(op: string, name: string, value: number): void {
  if (!Number.isFinite(value)) fail("ARGUMENT", op, `${name} must be a finite number, got ${value}`);
}

export function sameShape(op: string, name: string, x: Tensor, like: string, y: Tensor): void {
  if (x.shape.length !== y.shape.length || x.shape.some((extent, i) => extent !== y.shape[i])) {
    fail("SHAPE", op, `${name} must be ${formatShape(y.shape)} like ${like}, got ${formatShape(x.shape)}`);
  }
}
