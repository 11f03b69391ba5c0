import { openKernel, probeKernel, type Availability, type Kernel, type KernelCandidate } from "@mamba/kernel";
import { usage } from "./args.ts";
import { CliError } from "./errors.ts";
import { probeApart, showsGpu } from "./gpu.ts";
import type { Host } from "./host.ts";

/** Every backend that has a name. */
export const backendNames = ["cpu", "webgpu", "cuda"] as const;

export type BackendName = (typeof backendNames)[number];

/** Flags of every command that opens a kernel. */
export const backendFlags = {
  backend: {
    type: "enum",
    options: ["auto", ...backendNames],
    default: "auto",
    description: "Where to compute; auto takes a GPU where there is one, and else the cpu",
  },
  threads: {
    type: "string",
    valueHint: "count",
    description: "Threads of the cpu backend, which it also chooses; default: all cores",
  },
} as const;

/** The backends for GPUs, best first. */
const gpuCandidates = [
  { name: "cuda", load: () => import("@mamba/kernel-cuda") },
  { name: "webgpu", load: () => import("@mamba/kernel-webgpu") },
] as const satisfies readonly KernelCandidate[];

function candidateOf(name: BackendName, threads?: number): KernelCandidate {
  const gpu = gpuCandidates.find((candidate) => candidate.name === name);
  return gpu ?? { name, load: () => loadCpu(threads) };
}

async function loadCpu(threads: number | undefined) {
  const { createCpuKernel, provider } = await import("@mamba/kernel-cpu");
  return { provider: { ...provider, create: () => createCpuKernel({ threads }) } };
}

/**
 * Opens the backend that was asked for, and no other. `auto` is a GPU where there is one, and else the cpu; with `threads`
 * it is the cpu.
 *
 * @throws CliError `USAGE`, or why the backend is not available; KernelError
 */
export async function openBackend(
  name: BackendName | "auto",
  threads: number | undefined,
  host: Host,
): Promise<Kernel> {
  if (name === "auto") {
    const cpu = candidateOf("cpu", threads);
    if (threads !== undefined || !showsGpu()) return openKernel([cpu]);
    return openKernel([...gpuCandidates.map((candidate) => realGpu(candidate, host)), cpu]);
  }
  if (threads !== undefined && name !== "cpu") throw usage("--threads is for the cpu backend");
  const candidate = candidateOf(name, threads);
  const { availability } = await probeKernel(candidate);
  if (availability.ok) return (await candidate.load()).provider.create();
  const { code, reason, remedy } = availability;
  throw new CliError(code, `backend ${name}: ${reason}; ${remedy}`);
}

/** Asks one backend in this process. A driver that does not work may write to stderr, or end the process. */
export async function probeBackend(name: BackendName): Promise<Availability> {
  return (await probeKernel(candidateOf(name))).availability;
}

/** What this machine has, and why not the rest. */
export function probeBackends(host: Host): Promise<{ name: BackendName; availability: Availability }[]> {
  return Promise.all(
    backendNames.map(async (name) => ({ name, availability: await probeSafely(name, host) })),
  );
}

/** WebGPU's driver is loaded by whoever asks: a process of its own. The CUDA backend sees to that itself. */
function probeSafely(name: BackendName, host: Host): Promise<Availability> {
  return name === "webgpu" ? probeApart(name, host) : probeBackend(name);
}

/** The candidate as `auto` takes it: what computes on the CPU in a GPU's stead is for who asks for it by name. */
function realGpu({ name, load }: (typeof gpuCandidates)[number], host: Host): KernelCandidate {
  const probe = async (): Promise<Availability> => {
    const found = await probeSafely(name, host);
    if (!found.ok || !found.software) return found;
    const reason = `${found.device} computes on the CPU`;
    return { ok: false, code: "NO_DEVICE", reason, remedy: `--backend ${name} takes it all the same` };
  };
  return { name, load: async () => ({ provider: { ...(await load()).provider, probe } }) };
}
