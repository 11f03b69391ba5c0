/** How the learning rate falls after the warmup. */
export type ScheduleKind = "constant" | "linear" | "cosine";

export const scheduleKinds: readonly ScheduleKind[] = ["constant", "linear", "cosine"];

/** What the learning rate of a step depends on. */
export interface Schedule {
  readonly schedule: ScheduleKind;
  readonly steps: number;
  readonly warmupSteps: number;
  /** Share of the largest learning rate that the last step has, from 0 to 1. */
  readonly finalLr: number;
}

/**
 * The share of the largest learning rate that a step has. It rises as `step / warmupSteps`, is 1 at the end of the
 * warmup, and with `p` going from 0 there to 1 at the last step:
 * ```
 * constant  1
 * linear    1 - (1 - finalLr) p
 * cosine    finalLr + (1 - finalLr) (1 + cos(pi p)) / 2      Loshchilov & Hutter 2017, without restarts
 * ```
 *
 * @param step from 1 to `steps`
 */
export function lrFactor({ schedule, steps, warmupSteps, finalLr }: Schedule, step: number): number {
  if (step < warmupSteps) return step / warmupSteps;
  const start = Math.max(warmupSteps, 1); // without warmup the first step has it all
  const p = steps > start ? Math.min((step - start) / (steps - start), 1) : 0;
  switch (schedule) {
    case "constant":
      return 1;
    case "linear":
      return 1 - (1 - finalLr) * p;
    case "cosine":
      return finalLr + ((1 - finalLr) * (1 + Math.cos(Math.PI * p))) / 2;
    default:
      return schedule satisfies never;
  }
}
