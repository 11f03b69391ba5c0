import type { Kernel } from "@mamba/kernel";
import { checkEqual } from "./assert.ts";

/** Live tensors and bytes must be the same after `body` as before it, also when it throws what it should. */
export async function checkNoLeak<T>(what: string, kernel: Kernel, body: () => T | Promise<T>): Promise<T> {
  const before = kernel.memory();
  const result = await body();
  const after = kernel.memory();
  checkEqual(`${what}: live tensors afterwards`, after.tensors, before.tensors);
  checkEqual(`${what}: live bytes afterwards`, after.bytes, before.bytes);
  return result;
}
