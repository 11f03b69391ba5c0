import { browserBackendNames } from "./browserBackendNames.ts";
import { type BackendPlatform, loadCpu } from "../backends/platform.ts";

/** The backends of browsers. */
export const browserBackends: BackendPlatform = {
  names: browserBackendNames,
  load: (name, cpu) => (name === "cpu" ? loadCpu(cpu) : import("@mamba/kernel-webgpu")),
  showsGpu: () => "gpu" in navigator,
  probe: (_, provider) => provider.probe(),
};
