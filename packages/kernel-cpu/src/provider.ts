import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createCpuKernel, defaultThreads, describeDevice } from "./create.ts";
import { hasRelaxedSimd, hasSimdAndThreads } from "./wasm.ts";

/** What `openKernel` asks for. */
export const provider: KernelProvider = {
  name: "cpu",
  interfaceVersion,
  probe() {
    if (hasSimdAndThreads())
      return Promise.resolve({ ok: true, device: describeDevice(hasRelaxedSimd(), defaultThreads()) });
    return Promise.resolve({
      ok: false,
      code: "LIMITS",
      reason: "this JavaScript engine lacks WebAssembly SIMD or threads",
      remedy: "use Node 20.19 or later, or a browser of 2023 or later",
    });
  },
  create: () => createCpuKernel(),
};
