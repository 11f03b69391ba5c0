import { openKernel, probeKernel, type Availability, type Kernel, type KernelCandidate } from "@mamba/kernel";
import { CliError, usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { choiceOption, countOption } from "../program/options.ts";
import { probeApart, showsGpu } from "./probeApart.ts";

const packages = {
  cpu: () => import("@mamba/kernel-cpu"),
  webgpu: () => import("@mamba/kernel-webgpu"),
  cuda: () => import("@mamba/kernel-cuda"),
} as const satisfies Record<string, KernelCandidate["load"]>;

export type BackendName = keyof typeof packages;

/** The names of all backends. */
export const backendNames = Object.keys(packages) as readonly BackendName[];

/** Options of every command that opens a kernel. */
export const backendOption = choiceOption(
  "--backend <name>",
  "Where to compute; auto is a GPU if there is one, and otherwise the cpu",
  ["auto", ...backendNames],
).default("auto");
export const threadsOption = countOption(
  "--threads <count>",
  "Threads of the cpu backend, which this option also selects (default: all cores)",
);

export const activationsOption = choiceOption(
  "--activations <type>",
  "How the cpu backend multiplies by quantised weights: int8 rounds each row of the other factor (default), f32 is exact",
  ["int8", "f32"],
);

/** The backends for GPUs, best first. */
const gpuBackends = ["cuda", "webgpu"] as const satisfies readonly BackendName[];

function candidateOf(name: BackendName, cpuOptions: CpuOptions = {}): KernelCandidate {
  return { name, load: name === "cpu" ? () => loadCpu(cpuOptions) : packages[name] };
}

async function loadCpu(options: CpuOptions) {
  return { provider: (await packages.cpu()).providerWith(options) };
}

/** The choice of a backend as the options give it. */
export interface BackendChoice extends CpuOptions {
  readonly backend: BackendName | "auto";
}

/** Options of the cpu backend alone. */
interface CpuOptions {
  readonly threads?: number | undefined;
  readonly activations?: "int8" | "f32" | undefined;
}

/**
 * Opens the backend that is named, and never another one. `auto` is a GPU if there is one, and otherwise the cpu; with an option of
 * the cpu it is the cpu.
 *
 * @throws CliError `USAGE`, or the reason why the backend is not available; KernelError
 */
export async function openBackend(
  { backend, threads, activations }: BackendChoice,
  host: Host,
): Promise<Kernel> {
  const cpuOptions = { threads, activations };
  const given = (["threads", "activations"] as const).find((name) => cpuOptions[name] !== undefined);
  if (backend === "auto" && given === undefined) {
    const cpu = candidateOf("cpu");
    if (!showsGpu()) return openKernel([cpu]);
    return openKernel([...gpuBackends.map((name) => hardwareOnly(name, host)), cpu]);
  }
  const named = backend === "auto" ? "cpu" : backend;
  if (given !== undefined && named !== "cpu") throw usage(`--${given} is for the cpu backend`);
  const candidate = candidateOf(named, cpuOptions);
  const { availability } = await probeKernel(candidate);
  if (availability.ok) return (await candidate.load()).provider.create();
  const { code, reason, remedy } = availability;
  throw new CliError(code, `backend ${named}: ${reason}; ${remedy}`);
}

/** Probes one backend in this process. A broken driver may write to stderr, or end the process. */
export async function probeBackend(name: BackendName): Promise<Availability> {
  return (await probeKernel(candidateOf(name))).availability;
}

/** Probes all backends without a risk for this process. */
export function probeBackends(host: Host): Promise<{ name: BackendName; availability: Availability }[]> {
  return Promise.all(
    backendNames.map(async (name) => ({ name, availability: await probeSafely(name, host) })),
  );
}

/** WebGPU's probe loads the driver, so it runs in a process of its own. The CUDA backend does that by itself. */
function probeSafely(name: BackendName, host: Host): Promise<Availability> {
  return name === "webgpu" ? probeApart(name, host) : probeBackend(name);
}

/** Candidate for `auto`: a software device is reported as unavailable; it is used only when named with --backend. */
function hardwareOnly(name: (typeof gpuBackends)[number], host: Host): KernelCandidate {
  const probe = async (): Promise<Availability> => {
    const found = await probeSafely(name, host);
    if (!found.ok || !found.software) return found;
    const reason = `${found.device} computes on the CPU`;
    return { ok: false, code: "NO_DEVICE", reason, remedy: `use it with --backend ${name}` };
  };
  return { name, load: async () => ({ provider: { ...(await packages[name]()).provider, probe } }) };
}
