import type { WeightDType, TrainingKernel } from "@mamba/kernel";
import type { Spread } from "../sample.ts";

/** The device of a kernel during a benchmark. Disposing frees the inputs of its probes, not the kernel. */
export interface Device extends Disposable {
  readonly kernel: TrainingKernel;
  /** Measured in turns with the cases, which are compared with them. */
  readonly probes: readonly Probe[];
  /** Work sent to the device so far, by the names that a report uses. */
  counts(): Readonly<Record<string, number>>;
  /** Runs, and waits for the device. */
  observe(run: () => unknown): Promise<Observed>;
}

/** Simple work with known bytes or operations. Each run frees its results. */
export interface Probe {
  readonly name: string;
  readonly kind: string;
  /** Bytes read and written. */
  readonly bytes: number;
  readonly flops: number;
  readonly run: () => void;
}

/** Work that a device did during a run. */
export interface Observed {
  readonly dispatches: number;
  /** By op; null when the device has no timestamps. */
  readonly ops: readonly OpTime[] | null;
}

export interface OpTime {
  readonly op: string;
  readonly dispatches: number;
  /** Time on the device. */
  readonly seconds: number;
}

/** A measured case on a device. */
export interface DeviceFigure {
  readonly name: string;
  readonly weights: WeightDType;
  /** Seconds of one run: on the device if it has timestamps, otherwise until it has answered. */
  readonly seconds: Spread;
  readonly dispatches: number;
  /** Minimum bytes and operations of one run. */
  readonly bytes: number;
  readonly flops: number;
}

/** A measured probe. */
export type ProbeFigure = DeviceFigure & Pick<Probe, "kind">;

/** The work of one decoded token. */
export interface DecodeFigure {
  readonly name: string;
  readonly weights: WeightDType;
  readonly layers: number;
  /** The device's counts. */
  readonly perToken: Readonly<Record<string, number>>;
  /** Seconds until the token is on the host. */
  readonly seconds: Spread;
  /** By op, the longest time first; null without timestamps. */
  readonly ops: readonly OpTime[] | null;
  /** Fraction of the time on the device in products with weights; null without timestamps. */
  readonly productFraction: number | null;
}

/** Total time on the device. */
export function totalSeconds(ops: readonly OpTime[]): number {
  return ops.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The best rate of each kind of probe, from medians: operations per second, or bytes per second where it has none. */
export function probeRates(probes: readonly ProbeFigure[]): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const { kind, bytes, flops, seconds } of probes) {
    rates[kind] = Math.max(rates[kind] ?? 0, (flops || bytes) / seconds.median);
  }
  return rates;
}

/** The result on a device. Times are in seconds. */
export interface DeviceBenchmark {
  readonly device: string;
  /** Best rate of each kind of probe: operations per second, or bytes per second of a copy. */
  readonly rates: Readonly<Record<string, number>>;
  readonly plain: readonly ProbeFigure[];
  readonly cases: readonly DeviceFigure[];
  readonly decode: readonly DecodeFigure[];
}
