import type { MambaLM } from "@mamba/core";
import {
  type DType,
  type WeightDType,
  type Kernel,
  type KernelCandidate,
  type KernelProvider,
  probeKernel,
} from "@mamba/kernel";
import type { BackendChoice, BackendId } from "../protocol.ts";
import { warmUpPartsOf } from "./warmUpParts.ts";

interface Backend {
  readonly id: BackendId;
  readonly label: string;
  readonly candidate: KernelCandidate;
}

/** In order of preference. */
const backends: readonly Backend[] = [
  {
    id: "webgpu",
    label: "WebGPU",
    candidate: { name: "webgpu", load: () => import("@mamba/kernel-webgpu") },
  },
  { id: "threads", label: "CPU, all cores", candidate: { name: "cpu", load: withThreads } },
  { id: "single", label: "CPU, one thread", candidate: { name: "cpu", load: onOneThread } },
];

/** The argument of `openKernel` that opens this backend only. */
export function candidateOf(id: BackendId): KernelCandidate {
  const backend = backends.find((backend) => backend.id === id);
  if (!backend) throw new Error(`there is no backend ${id}`);
  return backend.candidate;
}

/** Probes every backend. */
export async function probeBackends(): Promise<BackendChoice[]> {
  return Promise.all(
    backends.map(async ({ id, label, candidate }) => {
      const { availability } = await probeKernel(candidate);
      return { id, label, availability };
    }),
  );
}

/** The backend that a visitor starts with: the first that is available, software devices last. */
export function firstChoice(choices: readonly BackendChoice[]): BackendId {
  const available = choices.filter(({ availability }) => availability.ok);
  const hardware = available.find(({ availability }) => availability.ok && !availability.software);
  const first = hardware ?? available[0] ?? choices[0];
  if (!first) throw new Error("there are no backends");
  return first.id;
}

/** Compiles the shaders that a model needs, before it runs. Does nothing on the CPU. */
export async function warmUp(
  kernel: Kernel,
  { config, parameters }: MambaLM,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  if (kernel.name !== "webgpu") return;
  const { WebGpuKernel } = await import("@mamba/kernel-webgpu");
  if (!(kernel instanceof WebGpuKernel)) return;
  const isWeight = (dtype: DType): dtype is WeightDType => dtype !== "i32";
  const weights = [...new Set([...parameters.values()].map(({ dtype }) => dtype))].filter(isWeight);
  await kernel.warmUp({ ...warmUpPartsOf(config), weights, onProgress });
}

/** The CPU backend with threads; unavailable where it would have one thread only, which is a choice of its own. */
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
          const remedy = "use the backend with one thread";
          return { ok: false, code: "LIMITS", reason: "this machine reports a single core", remedy };
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
