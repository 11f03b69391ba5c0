import type { Shape } from "@mamba/kernel";
import { TrainError } from "./errors.ts";

/** Identifies a run, and says how far it is. Plain data that can be stored as JSON. */
export interface RunState {
  /** Optimizer steps done. It determines the position in the data. */
  readonly step: number;
  /** `DataSource.id` */
  readonly data: string;
  readonly model: Readonly<Record<string, unknown>>;
  readonly training: Readonly<Record<string, unknown>>;
  /** The evaluations of a `Fitter`; undefined for a `Trainer` alone. */
  readonly fit?: Readonly<Record<string, unknown>> | undefined;
}

/** A tensor of a run's state, on the device. */
export interface SavedTensor {
  readonly name: string;
  readonly shape: Shape;
  /** @throws TrainError `NON_FINITE` when a value is NaN or infinite: such a state must not be saved */
  readonly read: () => Promise<Float32Array>;
}

/**
 * A run may go on with more steps than it had, and then with another warmup: the learning rate of the remaining steps is that of
 * the new schedule.
 *
 * @throws TrainError `RESUME`, naming the first field in which the saved run differs from the current one
 */
export function checkSameRun(saved: RunState, current: RunState): void {
  checkEqual("data", saved.data, current.data);
  const isExtended = Number(current.training["steps"]) > Number(saved.training["steps"]);
  for (const part of ["model", "training"] as const) {
    const [before, now] = [saved[part], current[part]];
    for (const field of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const mayDiffer = part === "training" && isExtended && ["steps", "warmupSteps"].includes(field);
      if (!mayDiffer) checkEqual(`${part}.${field}`, before[field], now[field]);
    }
  }
  for (const field of ["heldOut", "rule"]) {
    checkEqual(`fit.${field}`, saved.fit?.[field], current.fit?.[field]);
  }
  const steps = current.training["steps"];
  if (!Number.isInteger(saved.step) || saved.step < 0 || saved.step > Number(steps)) {
    throw new TrainError("RESUME", `the saved step must be from 0 to ${String(steps)}, got ${saved.step}`);
  }
}

function checkEqual(field: string, before: unknown, now: unknown): void {
  // Compares JSON, because Infinity and undefined change when they are saved.
  if (json(before) === json(now)) return;
  throw new TrainError("RESUME", `the saved run has ${field} ${json(before)}, this one ${json(now)}`);
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
