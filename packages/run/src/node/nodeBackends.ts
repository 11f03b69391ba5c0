import { type BackendPlatform, loadCpu } from "../backends/platform.ts";
import { probeApart, showsGpu } from "./probeApart.ts";

const packages = {
  cpu: loadCpu,
  cuda: () => import("@mamba/kernel-cuda"),
  webgpu: () => import("@mamba/kernel-webgpu"),
} as const;

/** The backends of Node. */
export const nodeBackends: BackendPlatform = {
  names: ["cuda", "webgpu", "cpu"],
  load: (name, cpu) => packages[name](cpu),
  showsGpu: () => showsGpu(),
  // The CUDA backend probes in a child process by itself.
  probe: (name, provider, signal) => (name === "webgpu" ? probeApart(signal) : provider.probe()),
};
