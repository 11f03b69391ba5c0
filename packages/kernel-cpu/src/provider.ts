import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { type CpuKernelOptions, createCpuKernel, defaultThreads, describeDevice } from "./create.ts";
import { hasRelaxedSimd, whyUnavailable } from "./wasm.ts";

/** A candidate for `openKernel` that creates its kernel with `options`. */
export function providerWith(options: CpuKernelOptions): KernelProvider {
  return {
    name: "cpu",
    interfaceVersion,
    probe: async () => {
      const missing = whyUnavailable();
      if (missing) return { ok: false, code: "LIMITS", ...missing };
      return { ok: true, device: describeDevice(hasRelaxedSimd(), options.threads ?? defaultThreads()) };
    },
    create: () => createCpuKernel(options),
  };
}

/** The candidate for `openKernel`, with the default options. */
export const provider: KernelProvider = providerWith({});
