import type { Kernel } from "@mamba/kernel";
import { openBest, probeOne } from "./backends/openBest.ts";
import type { BackendName, BackendOptions, ProbedBackend } from "./backends/options.ts";
import { nodeBackends } from "./node/nodeBackends.ts";

export * from "./common.ts";

/** The backends of Node, best first: "cuda", "webgpu", "cpu". */
export const backendNames: readonly BackendName[] = nodeBackends.names;

/**
 * Opens the backend that is named, and never another one; without a name a GPU if there is one, and otherwise the CPU. A
 * software device is opened by its name only. WebGPU and CUDA are probed in processes of their own, so that a broken driver ends none but those.
 *
 * @throws RunError `OPTIONS`; KernelError `NO_BACKEND`, or the code of the reason why the named backend is not available; the signal's reason
 */
export function openBestKernel(options: BackendOptions = {}): Promise<Kernel> {
  return openBest(nodeBackends, options);
}

/**
 * Probes one backend, in a process of its own where that loads a driver.
 *
 * @throws RunError `OPTIONS` for an unknown name; the signal's reason
 */
export async function probeBackend(
  name: BackendName,
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<ProbedBackend> {
  return probeOne(nodeBackends, name, options);
}

/** Probes all backends, best first. */
export function probeBackends(
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<readonly ProbedBackend[]> {
  return Promise.all(backendNames.map((name) => probeBackend(name, options)));
}
