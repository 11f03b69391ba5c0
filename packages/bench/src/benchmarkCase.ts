import { MambaError } from "@mamba/core";
import type { WeightDType, Scope, TrainingKernel } from "@mamba/kernel";

/** One thing to measure, with the minimum bytes and operations of one run. */
export interface BenchmarkCase {
  readonly name: string;
  /** Storage of the weights. */
  readonly dtype: WeightDType;
  /** Bytes to and from memory, each tensor once. */
  readonly bytes: number;
  /** Floating-point operations: a multiply-add counts as two; exp, log, division and square root as one each. */
  readonly flops: number;
  /** Tokens that one run reads or generates. */
  readonly tokens?: number;
  /**
   * Makes the inputs and returns the run. A run disposes its results. The caller waits for the device after the last run,
   * within the measured time.
   */
  readonly prepare: (kernel: TrainingKernel, scope: Scope) => () => void | Promise<void>;
}

/** Called between samples. It shows progress, and throws to end the benchmark. */
export type Pause = (done: number, total: number) => Promise<void>;

/** The process that runs a benchmark. */
export interface BenchmarkHost {
  /** Path of the `mamba` script, for the start-up time. */
  readonly program: string;
  readonly signal: AbortSignal;
  /** Runs work with a progress bar of that label. */
  readonly withProgress: <T>(label: string, run: (pause: Pause) => Promise<T>) => Promise<T>;
}

/** Selects by name, without regard to case; an empty filter selects everything. */
export function nameFilter(filter: string): (name: string) => boolean {
  return (name) => name.toLowerCase().includes(filter.toLowerCase());
}

/** The error for a filter that selects nothing. @returns MambaError `OPTIONS` */
export function noCase(filter: string, names: readonly string[]): MambaError {
  return new MambaError(
    "OPTIONS",
    `no case is called ${JSON.stringify(filter)}; there are ${names.join(", ")}`,
  );
}
