import type { Availability, KernelCandidate, KernelProvider } from "@mamba/kernel";
import type { BackendName, CpuOptions } from "./options.ts";

/** The backends of a platform: of Node or of browsers. */
export interface BackendPlatform {
  /** The backends, best first. The last one is the CPU. */
  readonly names: readonly BackendName[];
  /** Loads the package of a backend. */
  load(name: BackendName, cpu: CpuOptions): ReturnType<KernelCandidate["load"]>;
  /** True when there may be a GPU: to probe for one takes the time to load its driver. */
  showsGpu(): boolean;
  /** Probes a backend without a risk for this process. */
  probe(name: BackendName, provider: KernelProvider, signal?: AbortSignal): Promise<Availability>;
}

/** A candidate for `openKernel` whose probe is without a risk for this process. */
export function candidateOf(
  platform: BackendPlatform,
  name: BackendName,
  { cpu = {}, signal }: { readonly cpu?: CpuOptions | undefined; readonly signal?: AbortSignal | undefined },
): KernelCandidate {
  const load = async (): Promise<{ provider: KernelProvider }> => {
    const { provider } = await platform.load(name, cpu);
    return { provider: { ...provider, probe: () => platform.probe(name, provider, signal) } };
  };
  return { name, load };
}

/** Loads the CPU backend with its options. */
export async function loadCpu(options: CpuOptions): Promise<{ provider: KernelProvider }> {
  return { provider: (await import("@mamba/kernel-cpu")).providerWith(options) };
}

/** A candidate that reports a software device as unavailable. */
export function hardwareOnly({ name, load }: KernelCandidate): KernelCandidate {
  const loadHardware = async (): Promise<{ provider: KernelProvider }> => {
    const { provider } = await load();
    const probe = async (): Promise<Availability> => {
      const found = await provider.probe();
      if (!found.ok || !found.software) return found;
      const reason = `${found.device} computes on the CPU`;
      return { ok: false, code: "NO_DEVICE", reason, remedy: `select the backend ${name} by its name` };
    };
    return { provider: { ...provider, probe } };
  };
  return { name, load: loadHardware };
}
