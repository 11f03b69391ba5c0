import { KernelError, type UnavailableCode } from "./errors.ts";
import type { Kernel } from "./kernel.ts";

/** Version of the `Kernel` interface, raised when a method changes its meaning. Each backend states the one it implements. */
export const interfaceVersion = 6;

/** Result of a probe: data, never an exception. `remedy` tells the user how to make the backend available. */
export type Availability =
  | {
      readonly ok: true;
      readonly device: string;
      /** True for a software device, such as SwiftShader: it computes on the CPU, and the CPU backend is faster. */
      readonly software?: boolean;
    }
  | { readonly ok: false; readonly code: UnavailableCode; readonly reason: string; readonly remedy: string };

/** The `provider` export of a backend package. Importing the package has no side effects. */
export interface KernelProvider {
  readonly name: string;
  readonly interfaceVersion: number;
  /** Cheap, side-effect free, never rejects. */
  probe(): Promise<Availability>;
  create(): Promise<Kernel>;
}

/** A backend that an app can use. `load` holds a literal `import()`, so that bundlers can see it. */
export interface KernelCandidate {
  readonly name: string;
  readonly load: () => Promise<{ readonly provider: KernelProvider }>;
}

/** A candidate with the result of its probe. */
export interface ProbedCandidate {
  readonly name: string;
  readonly availability: Availability;
  /** Present when the package could be loaded. */
  readonly provider?: KernelProvider;
}

/** Probes one candidate. Never rejects: a package that fails to load is reported as `NOT_INSTALLED`. */
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
      `install the package of the backend ${name}, of the release that this app uses`,
    );
  }
  if (provider.interfaceVersion !== interfaceVersion) {
    const found = `it implements kernel interface ${provider.interfaceVersion}, this app needs ${interfaceVersion}`;
    return no(
      "INTERFACE_VERSION",
      found,
      `install the package of the backend ${name} and the package kernel of one release`,
    );
  }
  try {
    return { name, availability: await provider.probe(), provider };
  } catch (cause) {
    return no("NO_DEVICE", `its probe failed: ${messageOf(cause)}`, `report this to the authors of ${name}`);
  }
}

/**
 * Opens the first backend that works, in the order given. A software device is opened only when nothing else works. To
 * require one backend, pass only that one: it is never replaced by another.
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

/** Probes candidates one at a time, so that those after the one that opens are never loaded. */
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
