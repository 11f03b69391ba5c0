import { expect } from "vitest";
import { KernelError, type KernelErrorCode } from "../src/index.ts";

/** Expects `call` to throw a KernelError of this code whose message holds every one of `parts`. */
export function refuses(code: KernelErrorCode, parts: readonly string[], call: () => unknown): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  if (!KernelError.is(error)) throw new Error(`expected a KernelError, got ${String(error)}`);
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  for (const part of parts) expect(error.message).toContain(part);
}
