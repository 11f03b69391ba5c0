import type { Kernel } from "@mamba/kernel";
import { checkEqual } from "./assert.ts";

/** Checks that `body` leaves as many live tensors and bytes as there were before it. */
export async function checkNoLeak<T>(what: string, kernel: Kernel, body: () => T | Promise<T>): Promise<T> {
  const before = kernel.memory();
  const result = await body();
  const after = kernel.memory();
  checkEqual(`${what}: live tensors afterwards`, after.tensors, before.tensors);
  checkEqual(`${what}: live bytes afterwards`, after.bytes, before.bytes);
  return result;
}
