/** How the learning rate decreases after the warmup. */
export type ScheduleKind = "constant" | "linear" | "cosine";

export const scheduleKinds: readonly ScheduleKind[] = ["constant", "linear", "cosine"];

/** The parameters of `lrFactor`. */
export interface Schedule {
  readonly schedule: ScheduleKind;
  readonly steps: number;
  readonly warmupSteps: number;
  /** Learning rate of the last step as a fraction of the largest one, from 0 to 1. */
  readonly finalLr: number;
}

/**
 * The learning rate of a step as a fraction of the largest one. It rises as `step / warmupSteps` to 1 at the end of the
 * warmup. After it, `p` goes from 0 to 1 at the last step, and the fraction is:
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
  const start = Math.max(warmupSteps, 1); // without warmup the first step has the largest rate
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
