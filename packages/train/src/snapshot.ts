import type { Shape } from "@mamba/kernel";
import { TrainError } from "./errors.ts";

/** What identifies a run, and how far it is. Plain data: it survives JSON. */
export interface RunState {
  /** Optimizer steps done. The position in the data follows from it. */
  readonly step: number;
  /** `DataSource.id` */
  readonly data: string;
  readonly model: Readonly<Record<string, unknown>>;
  readonly training: Readonly<Record<string, unknown>>;
}

/** A tensor of a state, still on the device. */
export interface SavedTensor {
  readonly name: string;
  readonly shape: Shape;
  /** @throws TrainError `NON_FINITE`: a state with NaN in it is not worth keeping */
  readonly read: () => Promise<Float32Array>;
}

/** @throws TrainError `RESUME`, naming the first thing in which the saved run is another one */
export function checkSameRun(saved: RunState, current: RunState): void {
  differs("data", saved.data, current.data);
  for (const part of ["model", "training"] as const) {
    const [before, now] = [saved[part], current[part]];
    for (const field of new Set([...Object.keys(before), ...Object.keys(now)])) {
      differs(`${part}.${field}`, before[field], now[field]);
    }
  }
  const steps = current.training["steps"];
  if (!Number.isInteger(saved.step) || saved.step < 0 || saved.step > Number(steps)) {
    throw new TrainError("RESUME", `the saved step must be from 0 to ${String(steps)}, got ${saved.step}`);
  }
}

function differs(what: string, before: unknown, now: unknown): void {
  // Infinity and undefined do not survive JSON as they are.
  if (text(before) === text(now)) return;
  throw new TrainError("RESUME", `the saved run has ${what} ${text(before)}, this one ${text(now)}`);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
