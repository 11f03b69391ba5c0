import type { BackendPlatform } from "../backends/platform.ts";

/** The backends of browsers. */
export const browserBackends: BackendPlatform = {
  names: ["webgpu", "cpu"],
  load: () => import("@mamba/kernel-webgpu"),
  showsGpu: () => "gpu" in navigator,
  probe: (_, provider) => provider.probe(),
};
