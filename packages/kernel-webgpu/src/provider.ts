import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createWebGpuKernel } from "./create.ts";
import { describeAdapter, findAdapter, findGpu, isSoftware } from "./device/gpu.ts";

/** The WebGPU backend, for `openKernel`. */
export const provider: KernelProvider = {
  name: "webgpu",
  interfaceVersion,
  probe: async () => {
    const gpu = await findGpu();
    if ("code" in gpu) return { ok: false, ...gpu };
    const adapter = await findAdapter(gpu, { powerPreference: "high-performance" });
    if ("code" in adapter) return { ok: false, ...adapter };
    return { ok: true, device: describeAdapter(adapter.info), software: isSoftware(adapter.info) };
  },
  create: () => createWebGpuKernel(),
};
