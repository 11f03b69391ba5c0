import {
  openKernel,
  probeKernel,
  type Availability,
  type Kernel,
  type KernelCandidate,
  type ProbedCandidate,
} from "@mamba/kernel";
import { usage } from "./args.ts";
import { CliError } from "./errors.ts";
import { probeApart, showsGpu } from "./gpu.ts";
import type { Host } from "./host.ts";

/** Every backend that has a name. */
export const backendNames = ["cpu", "webgpu", "cuda"] as const;

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
const gpuCandidates: readonly KernelCandidate[] = [
  { name: "webgpu", load: () => import("@mamba/kernel-webgpu") },
];

function cpuCandidate(threads: number | undefined): KernelCandidate {
  return {
    name: "cpu",
    load: async () => {
      const { createCpuKernel, provider } = await import("@mamba/kernel-cpu");
      return { provider: { ...provider, create: () => createCpuKernel({ threads }) } };
    },
  };
}

/**
 * Opens the backend that was asked for, and no other. `auto` is a GPU where there is one, and else the cpu; with `threads`
 * it is the cpu.
 *
 * @throws CliError `USAGE`, or why the backend is not available; KernelError
 */
export async function openBackend(name: string, threads: number | undefined, host: Host): Promise<Kernel> {
  const cpu = cpuCandidate(threads);
  if (name === "auto") {
    if (threads !== undefined || !showsGpu()) return openKernel([cpu]);
    return openKernel([...gpuCandidates.map((candidate) => apart(candidate, host)), cpu]);
  }
  if (threads !== undefined && name !== "cpu") throw usage("--threads is for the cpu backend");
  const { availability, provider } = await probeBackend(name, cpu);
  if (availability.ok && provider) return provider.create();
  throw refusal(name, availability);
}

/** Asks one backend in this process. A driver that does not work may write to stderr, or end the process. */
export async function probeBackend(name: string, cpu = cpuCandidate(undefined)): Promise<ProbedCandidate> {
  const candidate = [cpu, ...gpuCandidates].find((candidate) => candidate.name === name);
  return candidate ? probeKernel(candidate) : { name, availability: absent };
}

/** What this machine has, and why not the rest. */
export function probeBackends(host: Host): Promise<{ name: string; availability: Availability }[]> {
  return Promise.all(
    backendNames.map(async (name) => {
      const isGpu = gpuCandidates.some((candidate) => candidate.name === name);
      return isGpu ? { name, availability: await probeApart(name, host) } : probeBackend(name);
    }),
  );
}

/** A name that is known but that this version cannot serve. */
const absent = {
  ok: false,
  code: "NOT_INSTALLED",
  reason: "this version of mamba does not have it",
  remedy: "use --backend cpu",
} as const satisfies Availability;

function refusal(name: string, availability: Availability): CliError {
  const { code, reason, remedy } = availability.ok ? absent : availability;
  return new CliError(code, `backend ${name}: ${reason}; ${remedy}`);
}

/** The candidate, asked in a process of its own. */
function apart({ name, load }: KernelCandidate, host: Host): KernelCandidate {
  return {
    name,
    load: async () => ({ provider: { ...(await load()).provider, probe: () => probeApart(name, host) } }),
  };
}
