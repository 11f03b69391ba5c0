import type { RunState } from "@mamba/train";
import type { Evaluation, TrainingSettings } from "../../protocol.ts";

/** A paused training run in host memory. It can continue on any backend. */
export interface Snapshot {
  readonly state: RunState;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** A training run: everything that continues it and shows it. */
export interface Run {
  readonly settings: TrainingSettings;
  readonly guessLoss: number;
  /** The loss of each step that `snapshot` has. */
  readonly losses: readonly number[];
  readonly snapshot: Snapshot;
  readonly evaluation: Evaluation | undefined;
  /** True until the run is complete or stopped. */
  readonly isRunning: boolean;
}
