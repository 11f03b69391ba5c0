import type { RunState, SavedTensor } from "../runState.ts";
import type { Trainable } from "../trainable.ts";
import type { TrainerOptions } from "../trainer.ts";
import type { BestPoint } from "./bestPoint.ts";
import type { FitConfigInput } from "./fitConfig.ts";
import { type FitData, Fitter, type FitEvent } from "./fitter.ts";

/** Something whose state can be saved and restored: a `Trainer` or a `Fitter`. */
export interface Resumable {
  /** Steps done. */
  readonly step: number;
  state(): RunState;
  tensors(): SavedTensor[];
  restore(state: RunState, read: (name: string) => Promise<Float32Array>): Promise<void>;
}

/** A place where a run is kept, such as a `RunFolder`. */
export interface RunStore {
  /** Restores the last state, if there is one. */
  resume(run: Resumable): Promise<unknown>;
  save(run: Resumable): Promise<void>;
  log(event: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface FitOptions<M extends object = object> extends TrainerOptions {
  /** Resumes from this place, saves to it and logs there. Default: nothing is saved. */
  readonly run?: RunStore | undefined;
  /** Steps between two saves; the fit is also saved at its end and when the signal ends it. Default 100. */
  readonly saveEvery?: number | undefined;
  /** Called after each evaluation that is the best so far, while the model has its parameters: to save it as a checkpoint. */
  readonly saveBest?: ((best: BestPoint<M>) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains a model and evaluates it on held-out examples, stops early when that is asked for, and leaves the model with its best
 * parameters. With `run` it resumes where it was. A fit that has finished goes on when it gets more steps.
 *
 * @returns the events of the fit; the last one is `finished`, and the model then has its best parameters. When the caller stops
 * iterating before that, or an error ends the fit, the model has its last parameters
 * @throws TrainError as `Fitter` does; the signal's reason
 */
export async function* fit<E, M extends object>(
  trainable: Trainable<E, M>,
  data: FitData<E>,
  config: FitConfigInput,
  { run, saveEvery = 100, saveBest, signal, ...options }: FitOptions<M> = {},
): AsyncGenerator<FitEvent<M>, void, undefined> {
  using fitter = new Fitter(trainable, data, config, options);
  await run?.resume(fitter);
  try {
    for await (const event of fitter.run({ signal })) {
      await run?.log({ ...event });
      if (event.kind === "evaluation" && event.isBest && fitter.best) await saveBest?.(fitter.best);
      // A state is saved after the evaluation of its step, so that a resumed run does not log it again.
      const isDue = event.step > 0 && event.step % saveEvery === 0 && !fitter.evaluationIsDue;
      if (isDue || event.kind === "finished") await run?.save(fitter);
      if (event.kind === "finished") fitter.useBest();
      yield event;
    }
  } catch (error) {
    if (signal?.aborted === true) await run?.save(fitter);
    throw error;
  }
}
