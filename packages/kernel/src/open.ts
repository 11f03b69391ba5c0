import { KernelError, type UnavailableCode } from "./errors.ts";
import type { Kernel } from "./kernel.ts";

/** Raised by one whenever a method of `Kernel` changes its meaning; backends state the version they implement. */
export const interfaceVersion = 2;

/** Whether a backend can be opened here: data, never an exception. `remedy` says what the user can do about it. */
export type Availability =
  | {
      readonly ok: true;
      readonly device: string;
      /** It stands in for a GPU and computes on the CPU, as SwiftShader does: a backend for the CPU is faster. */
      readonly software?: boolean;
    }
  | { readonly ok: false; readonly code: UnavailableCode; readonly reason: string; readonly remedy: string };

/** What a backend package exports as `provider`. Importing the package has no side effects. */
export interface KernelProvider {
  readonly name: string;
  readonly interfaceVersion: number;
  /** Cheap, side-effect free, never rejects. */
  probe(): Promise<Availability>;
  create(): Promise<Kernel>;
}

/** A backend that an app is ready to use. `load` holds a literal `import()`, so that bundlers can see it. */
export interface KernelCandidate {
  readonly name: string;
  readonly load: () => Promise<{ readonly provider: KernelProvider }>;
}

/** A candidate with what its probe said. */
export interface ProbedCandidate {
  readonly name: string;
  readonly availability: Availability;
  /** There when the package could be loaded. */
  readonly provider?: KernelProvider;
}

/** Asks one candidate whether it can be opened. Never rejects: a package that fails to load is `NOT_INSTALLED`. */
export async function probeKernel(candidate: KernelCandidate): Promise<ProbedCandidate> {
  const { name } = candidate;
  const no = (code: UnavailableCode, reason: string, remedy: string): ProbedCandidate => ({
    name,
    availability: { ok: false, code, reason, remedy },
  });
  let provider: KernelProvider;
  try {
    ({ provider } = await candidate.load());
  } catch (cause) {
    return no(
      "NOT_INSTALLED",
      `its package could not be loaded: ${messageOf(cause)}`,
      `install @mamba/kernel-${name}`,
    );
  }
  if (provider.interfaceVersion !== interfaceVersion) {
    const found = `it implements kernel interface ${provider.interfaceVersion}, this app needs ${interfaceVersion}`;
    return no(
      "INTERFACE_VERSION",
      found,
      `install matching versions of @mamba/kernel-${name} and @mamba/kernel`,
    );
  }
  try {
    return { name, availability: await provider.probe(), provider };
  } catch (cause) {
    return no("NO_DEVICE", `its probe failed: ${messageOf(cause)}`, `report this to the authors of ${name}`);
  }
}

/**
 * Opens the first backend that works, in the order given, but a software device only when nothing else works. Never falls
 * back past an explicit wish: to insist on one backend, pass only that one.
 *
 * @throws KernelError `NO_BACKEND`, listing each candidate's code, reason and remedy, when none could be opened.
 */
export async function openKernel(candidates: readonly KernelCandidate[]): Promise<Kernel> {
  const reasons: string[] = [];
  const causes: unknown[] = [];
  for await (const { name, availability, provider } of bestFirst(candidates)) {
    if (!availability.ok) {
      reasons.push(`${name} (${availability.code}): ${availability.reason}. Remedy: ${availability.remedy}.`);
      continue;
    }
    try {
      if (provider) return await provider.create();
    } catch (cause) {
      const code = KernelError.is(cause) ? cause.code : "NO_DEVICE";
      reasons.push(
        `${name} (${code}): it probed as "${availability.device}" but failed to open: ${messageOf(cause)}`,
      );
      causes.push(cause);
    }
  }
  const list = reasons.map((reason, i) => `\n  ${i + 1}. ${reason}`).join("");
  const message =
    reasons.length > 0
      ? `no kernel backend could be opened:${list}`
      : "no kernel backend was given to openKernel";
  throw new KernelError("NO_BACKEND", message, { cause: new AggregateError(causes) });
}

/** Probes as it goes: what comes after the one that opens is not loaded. */
async function* bestFirst(candidates: readonly KernelCandidate[]): AsyncGenerator<ProbedCandidate> {
  const software: ProbedCandidate[] = [];
  for (const candidate of candidates) {
    const probed = await probeKernel(candidate);
    if (probed.availability.ok && probed.availability.software) software.push(probed);
    else yield probed;
  }
  yield* software;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
