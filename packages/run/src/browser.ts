import type { Kernel } from "@mamba/kernel";
import { openBest, probeOne } from "./backends/openBest.ts";
import type { BackendName, BackendOptions, ProbedBackend } from "./backends/options.ts";
import { browserBackends } from "./browser/browserBackends.ts";

export * from "./common.ts";

/** The backends of browsers, best first: "webgpu", "cpu". */
export const backendNames: readonly BackendName[] = browserBackends.names;

/**
 * Opens the backend that is named, and never another one; without a name WebGPU on a GPU, and otherwise the CPU: with threads
 * on a cross-origin isolated page, else with one. A software device is opened by its name only.
 *
 * @throws RunError `OPTIONS`; KernelError `NO_BACKEND`, or the code of the reason why the named backend is not available; the signal's reason
 */
export function openBestKernel(options: BackendOptions = {}): Promise<Kernel> {
  return openBest(browserBackends, options);
}

/**
 * Probes one backend.
 *
 * @throws RunError `OPTIONS` for an unknown name; the signal's reason
 */
export async function probeBackend(
  name: BackendName,
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<ProbedBackend> {
  return probeOne(browserBackends, name, options);
}

/** Probes all backends, best first. */
export function probeBackends(
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<readonly ProbedBackend[]> {
  return Promise.all(backendNames.map((name) => probeBackend(name, options)));
}
