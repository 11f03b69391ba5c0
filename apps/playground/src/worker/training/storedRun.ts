import type { TrainingKind } from "../../protocol.ts";
import type { Run, Snapshot } from "./run.ts";

/** Changes when a run of an older page cannot continue. */
const version = 1;

/** A run as the browser stores it. */
export interface StoredRun extends Run {
  readonly version: number;
}

export function storedRun(run: Run): StoredRun {
  return { ...run, version };
}

/**
 * Checks a stored run.
 *
 * @throws Error when it is of another version, or damaged
 */
export function checkStoredRun(stored: unknown, kind: TrainingKind): Run {
  const { version: found, ...run } = (stored ?? {}) as Partial<StoredRun>;
  const fail = (reason: string): never => {
    throw new Error(`the stored training was deleted: ${reason}`);
  };
  if (found !== version) return fail(`it is of version ${String(found)}, this page reads version ${version}`);
  const { settings, guessLoss, losses, snapshot } = run;
  const isComplete =
    settings?.kind === kind &&
    typeof guessLoss === "number" &&
    Array.isArray(losses) &&
    losses.every((loss) => Number.isFinite(loss)) &&
    losses.length === snapshot?.state?.step &&
    isSound(snapshot);
  if (!isComplete) return fail("it is damaged");
  return run as Run;
}

function isSound({ tensors }: Partial<Snapshot>): boolean {
  if (!(tensors instanceof Map)) return false;
  return [...tensors.values()].every(
    (values) => values instanceof Float32Array && values.every((value) => Number.isFinite(value)),
  );
}
