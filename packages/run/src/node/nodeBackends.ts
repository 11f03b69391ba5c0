import type { BackendPlatform } from "../backends/platform.ts";
import { probeApart, showsGpu } from "./probeApart.ts";

const packages = {
  cuda: () => import("@mamba/kernel-cuda"),
  webgpu: () => import("@mamba/kernel-webgpu"),
} as const;

/** The backends of Node. */
export const nodeBackends: BackendPlatform = {
  names: ["cuda", "webgpu", "cpu"],
  load: (name) => packages[name](),
  showsGpu: () => showsGpu(),
  // The CUDA backend probes in a child process by itself.
  probe: (name, provider, signal) => (name === "webgpu" ? probeApart(signal) : provider.probe()),
};
