import { KernelError } from "@mamba/kernel";

const filters = ["validation", "internal", "out-of-memory"] as const;

/**
 * Runs `make` inside error scopes. WebGPU reports errors later and elsewhere: this is what ties them to what caused them.
 *
 * @param what the op and the shader, for the message
 * @returns what `make` gave, and a promise of the error, `OUT_OF_MEMORY` or `DRIVER`, that never rejects
 */
export function watched<T>(
  device: GPUDevice,
  what: string,
  make: () => T,
): { readonly value: T; readonly outcome: Promise<KernelError | undefined> } {
  for (const filter of filters) device.pushErrorScope(filter);
  let value: T;
  let errors: Promise<string | undefined>[] = [];
  try {
    value = make();
  } finally {
    errors = filters.map(async () => {
      try {
        return (await device.popErrorScope())?.message;
      } catch {
        return undefined; // the device is lost, which is told by other ways
      }
    });
  }
  // Scopes close in reverse.
  const outcome = Promise.all(errors).then(([memory, internal, validation]) => {
    const message = memory ?? internal ?? validation;
    if (message === undefined) return undefined;
    return new KernelError(memory === undefined ? "DRIVER" : "OUT_OF_MEMORY", `${what}: ${message}`);
  });
  return { value, outcome };
}
