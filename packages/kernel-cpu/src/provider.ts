import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createCpuKernel, defaultThreads, describeDevice } from "./create.ts";
import { hasRelaxedSimd, whyUnavailable } from "./wasm.ts";

/** The candidate for `openKernel`. */
export const provider: KernelProvider = {
  name: "cpu",
  interfaceVersion,
  probe: async () => {
    const missing = whyUnavailable();
    if (missing) return { ok: false, code: "LIMITS", ...missing };
    return { ok: true, device: describeDevice(hasRelaxedSimd(), defaultThreads()) };
  },
  create: () => createCpuKernel(),
};
