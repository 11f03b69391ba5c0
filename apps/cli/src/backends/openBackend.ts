import type { Kernel } from "@mamba/kernel";
import type { BackendName, ProbedBackend } from "@mamba/run";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { choiceOption, countOption } from "../program/options.ts";

/** The names of all backends. */
export const backendNames = ["cpu", "webgpu", "cuda"] as const satisfies readonly BackendName[];

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

/** The choice of a backend as the options give it. */
export interface BackendChoice {
  readonly backend: BackendName | "auto";
  readonly threads?: number | undefined;
  readonly activations?: "int8" | "f32" | undefined;
}

/**
 * Opens the backend that is named, and never another one. `auto` is a GPU if there is one, and otherwise the cpu; with an option of
 * the cpu it is the cpu.
 *
 * @throws CliError `USAGE`; KernelError
 */
export async function openBackend(
  { backend, threads, activations }: BackendChoice,
  { signal }: Pick<Host, "signal">,
): Promise<Kernel> {
  const cpu = { threads, activations };
  const given = (["threads", "activations"] as const).find((name) => cpu[name] !== undefined);
  if (given !== undefined && backend !== "auto" && backend !== "cpu")
    throw usage(`--${given} is for the cpu backend`);
  const { openBestKernel } = await import("@mamba/run");
  return openBestKernel({ backend, cpu, signal });
}

/** Probes some backends, without a risk for this process. */
export async function probeBackends(
  names: readonly BackendName[],
  { signal }: Pick<Host, "signal">,
): Promise<readonly ProbedBackend[]> {
  const { probeBackend } = await import("@mamba/run");
  return Promise.all(names.map((name) => probeBackend(name, { signal })));
}
