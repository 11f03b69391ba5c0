import { type Kernel, KernelError, openKernel, probeKernel } from "@mamba/kernel";
import { RunError } from "../errors.ts";
import type { BackendName, BackendOptions, CpuOptions, ProbedBackend } from "./options.ts";
import { type BackendPlatform, candidateOf, hardwareOnly } from "./platform.ts";

/** Opens the backend that is named, or the best one. */
export async function openBest(platform: BackendPlatform, options: BackendOptions): Promise<Kernel> {
  const { signal, cpu } = options;
  const name = chosenName(platform, options);
  signal?.throwIfAborted();
  const kernel = await (name === "auto"
    ? openAuto(platform, signal)
    : openNamed(platform, name, cpu, signal));
  if (!signal?.aborted) return kernel;
  await kernel.dispose();
  throw signal.reason;
}

/** The named backend, or "auto". With an option of the CPU backend "auto" is the CPU. */
function chosenName(platform: BackendPlatform, { backend = "auto", cpu = {} }: BackendOptions) {
  if (backend !== "auto") checkName(platform, backend);
  const given = Object.entries(cpu).find(([, value]) => value !== undefined);
  if (given === undefined) return backend;
  if (backend !== "auto" && backend !== "cpu") {
    throw new RunError("OPTIONS", `option cpu.${given[0]} is for the backend cpu, not for ${backend}`);
  }
  return "cpu";
}

function checkName({ names }: BackendPlatform, name: BackendName): void {
  if (names.includes(name)) return;
  throw new RunError(
    "OPTIONS",
    `there is no backend ${JSON.stringify(name)} here; there are ${names.join(", ")}`,
  );
}

function openAuto(platform: BackendPlatform, signal: AbortSignal | undefined): Promise<Kernel> {
  const names = platform.showsGpu() ? platform.names : platform.names.slice(-1);
  return openKernel(names.map((name) => hardwareOnly(candidateOf(platform, name, { signal }))));
}

async function openNamed(
  platform: BackendPlatform,
  name: BackendName,
  cpu: CpuOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Kernel> {
  const { availability, provider } = await probeKernel(candidateOf(platform, name, { cpu, signal }));
  signal?.throwIfAborted();
  if (availability.ok && provider) return provider.create();
  if (availability.ok) throw new Error(`backend ${name}: its probe gave no provider`);
  const { code, reason, remedy } = availability;
  throw new KernelError(code, `backend ${name}: ${reason}; ${remedy}`);
}

/** Probes a backend. */
export async function probeOne(
  platform: BackendPlatform,
  name: BackendName,
  options: Pick<BackendOptions, "cpu" | "signal">,
): Promise<ProbedBackend> {
  checkName(platform, name);
  const { availability } = await probeKernel(candidateOf(platform, name, options));
  options.signal?.throwIfAborted();
  return { name, availability };
}
