import { KernelError } from "@mamba/kernel";

const filters = ["validation", "internal", "out-of-memory"] as const;

/**
 * Runs `body` inside error scopes. WebGPU reports errors later: the scopes connect an error to the call that caused it.
 *
 * @param name the op and the shader, for the message
 * @returns the result of `body`, and a promise of the error (`OUT_OF_MEMORY` or `DRIVER`) that never rejects
 */
export function withErrorScopes<T>(
  device: GPUDevice,
  name: string,
  body: () => T,
): { readonly value: T; readonly outcome: Promise<KernelError | undefined> } {
  for (const filter of filters) device.pushErrorScope(filter);
  let value: T;
  let errors: Promise<string | undefined>[] = [];
  try {
    value = body();
  } finally {
    errors = filters.map(async () => {
      try {
        return (await device.popErrorScope())?.message;
      } catch {
        return undefined; // the device is lost, which `device.lost` reports
      }
    });
  }
  // Scopes close in reverse order.
  const outcome = Promise.all(errors).then(([memory, internal, validation]) => {
    const message = memory ?? internal ?? validation;
    if (message === undefined) return undefined;
    return new KernelError(memory === undefined ? "DRIVER" : "OUT_OF_MEMORY", `${name}: ${message}`);
  });
  return { value, outcome };
}
