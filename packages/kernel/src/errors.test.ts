import { expect, it, vi } from "vitest";
import { KernelError } from "./errors.ts";

it("carries code, message, name and cause", () => {
  const cause = new Error("driver said no");
  const error = new KernelError("DEVICE_LOST", "the device is gone", { cause });
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.cause]).toEqual([
    "KernelError",
    "DEVICE_LOST",
    "the device is gone",
    cause,
  ]);
});

it("recognises errors by brand and code", () => {
  const error = new KernelError("SHAPE", "x");
  expect(KernelError.is(error)).toBe(true);
  expect(KernelError.is(error, "SHAPE")).toBe(true);
  expect(KernelError.is(error, "DTYPE")).toBe(false);
  for (const other of [new Error("x"), { code: "SHAPE", name: "KernelError" }, undefined, null, "SHAPE"]) {
    expect(KernelError.is(other)).toBe(false);
  }
});

it("recognises errors of another copy of the package", async () => {
  vi.resetModules();
  const copy = await import("./errors.ts");
  const error = new copy.KernelError("SHAPE", "x");
  expect(error).not.toBeInstanceOf(KernelError);
  expect(KernelError.is(error, "SHAPE")).toBe(true);
});
