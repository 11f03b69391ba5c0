import { openKernel, probeKernel, type Availability, type Kernel, type KernelCandidate } from "@mamba/kernel";
import { usage } from "./args.ts";
import { CliError } from "./errors.ts";

/** Every name that `--backend` takes. */
const backendNames = ["auto", "cpu", "webgpu", "cuda"] as const;

/** Flags of every command that opens a kernel. */
export const backendFlags = {
  backend: {
    type: "enum",
    options: backendNames,
    default: "auto",
    description: "Where to compute; auto takes the first that works",
  },
  threads: {
    type: "string",
    valueHint: "count",
    description: "Threads of the cpu backend; default: all cores",
  },
} as const;

/** The backends of this version, best first. */
function candidates(threads: number | undefined): KernelCandidate[] {
  return [
    {
      name: "cpu",
      load: async () => {
        const { createCpuKernel, provider } = await import("@mamba/kernel-cpu");
        return { provider: { ...provider, create: () => createCpuKernel({ threads }) } };
      },
    },
  ];
}

/** Names that are known but that this version cannot serve. */
const notYet = backendNames.filter((name) => name !== "auto" && name !== "cpu");
const absent = {
  ok: false,
  code: "NOT_INSTALLED",
  reason: "this version of mamba does not have it",
  remedy: "use --backend cpu",
} as const satisfies Availability;

/**
 * Opens the backend that was asked for, and no other.
 *
 * @throws CliError `NOT_INSTALLED`; KernelError `NO_BACKEND`
 */
export async function openBackend(name: string, threads: number | undefined): Promise<Kernel> {
  if (notYet.some((other) => other === name)) {
    throw new CliError(absent.code, `backend ${name}: ${absent.reason}; ${absent.remedy}`);
  }
  const all = candidates(threads);
  if (name === "auto") return openKernel(all);
  if (threads !== undefined && name !== "cpu") throw usage("--threads is for the cpu backend");
  return openKernel(all.filter((candidate) => candidate.name === name));
}

/** What this machine has, and why not the rest. */
export async function probeBackends(): Promise<{ name: string; availability: Availability }[]> {
  const found = await Promise.all(candidates(undefined).map(probeKernel));
  return [
    ...found.map(({ name, availability }) => ({ name, availability })),
    ...notYet.map((name) => ({ name, availability: absent })),
  ];
}
