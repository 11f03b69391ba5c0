import type { Kernel } from "@mamba/kernel";
import { type BackendOptions, openBestKernel, probeBackend } from "@mamba/run/browser";
import type { BackendChoice, BackendId } from "../protocol.ts";

interface Backend {
  readonly id: BackendId;
  readonly label: string;
  readonly options: BackendOptions & { readonly backend: "webgpu" | "cpu" };
}

/** In order of preference. */
const backends: readonly Backend[] = [
  { id: "webgpu", label: "WebGPU", options: { backend: "webgpu" } },
  { id: "threads", label: "CPU, all cores", options: { backend: "cpu" } },
  { id: "single", label: "CPU, one thread", options: { backend: "cpu", cpu: { threads: 1 } } },
];

/** Opens a backend. */
export function openBackend(id: BackendId): Promise<Kernel> {
  const backend = backends.find((backend) => backend.id === id);
  if (!backend) throw new Error(`there is no backend ${id}`);
  return openBestKernel(backend.options);
}

/** Probes every backend. */
export async function probeBackends(): Promise<BackendChoice[]> {
  return Promise.all(
    backends.map(async ({ id, label, options: { backend, cpu } }): Promise<BackendChoice> => {
      const lack = id === "threads" ? noThreads() : undefined;
      return { id, label, availability: lack ?? (await probeBackend(backend, { cpu })).availability };
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

/** The reason why the CPU backend would have one thread only, which is a choice of its own. */
function noThreads(): BackendChoice["availability"] | undefined {
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
  if (navigator.hardwareConcurrency > 1) return undefined;
  const remedy = "use the backend with one thread";
  return { ok: false, code: "LIMITS", reason: "this machine reports a single core", remedy };
}
