import { type KernelCandidate, type KernelProvider, probeKernel } from "@mamba/kernel";
import type { BackendChoice, BackendId } from "../protocol.ts";

interface Backend {
  readonly id: BackendId;
  readonly label: string;
  readonly candidate: KernelCandidate;
}

/** In order of preference: the first that works is where a visitor starts. */
const backends: readonly Backend[] = [
  { id: "threads", label: "CPU, all cores", candidate: { name: "cpu", load: withThreads } },
  { id: "single", label: "CPU, one thread", candidate: { name: "cpu", load: onOneThread } },
];

/** What `openKernel` takes to open this backend and no other. */
export function candidateOf(id: BackendId): KernelCandidate {
  const backend = backends.find((backend) => backend.id === id);
  if (!backend) throw new Error(`there is no backend ${id}`);
  return backend.candidate;
}

/** Asks every backend whether it works here. */
export async function probeBackends(): Promise<BackendChoice[]> {
  return Promise.all(
    backends.map(async ({ id, label, candidate }) => {
      const { availability } = await probeKernel(candidate);
      return { id, label, availability };
    }),
  );
}

/** The CPU backend as it is, refused where it would have a single thread: that is the other choice. */
async function withThreads(): Promise<{ provider: KernelProvider }> {
  const { provider } = await import("@mamba/kernel-cpu");
  return {
    provider: {
      ...provider,
      async probe() {
        if (!crossOriginIsolated) {
          return {
            ok: false,
            code: "LIMITS",
            reason: "this page is not cross-origin isolated, so its threads cannot share memory",
            remedy:
              "serve it with the headers Cross-Origin-Opener-Policy: same-origin and " +
              "Cross-Origin-Embedder-Policy: require-corp",
          };
        }
        if (navigator.hardwareConcurrency === 1) {
          const remedy = "use one thread: there is nothing to share the work with";
          return { ok: false, code: "LIMITS", reason: "this machine shows a single core", remedy };
        }
        return provider.probe();
      },
    },
  };
}

async function onOneThread(): Promise<{ provider: KernelProvider }> {
  const { createCpuKernel, provider } = await import("@mamba/kernel-cpu");
  return {
    provider: {
      ...provider,
      async probe() {
        const found = await provider.probe();
        return found.ok ? { ok: true, device: found.device.replace(/\d+ threads?$/, "1 thread") } : found;
      },
      create: () => createCpuKernel({ threads: 1 }),
    },
  };
}
