import { MambaLM } from "@mamba/core";
import { type Kernel, openKernel } from "@mamba/kernel";
import { languageModel, type RunState, Trainer } from "@mamba/train";
import type { BackendId, TrainingSettings } from "../protocol.ts";
import { candidateOf } from "./backends.ts";
import { modelConfig, tasks, trainConfig } from "./tasks.ts";

/** A paused training run in host memory. It can continue on any backend. */
export interface Snapshot {
  readonly state: RunState;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** A model in training, on a kernel of its own. */
export class TrainingRun implements AsyncDisposable {
  readonly kernel: Kernel;
  readonly model: MambaLM;
  readonly trainer: Trainer;

  private constructor(kernel: Kernel, model: MambaLM, trainer: Trainer) {
    this.kernel = kernel;
    this.model = model;
    this.trainer = trainer;
  }

  /**
   * Opens a backend with the model on it.
   *
   * @param snapshot the run to continue. Default: a new run
   */
  static async open(
    backend: BackendId,
    settings: TrainingSettings,
    snapshot: Snapshot | undefined,
  ): Promise<TrainingRun> {
    const task = tasks[settings.task];
    const kernel = await openKernel([candidateOf(backend)]);
    try {
      const model = MambaLM.init(kernel, modelConfig(task, settings), settings.seed);
      const source = task.source(settings.length, settings.seed);
      const trainer = new Trainer(languageModel(model), source, trainConfig(settings));
      if (snapshot)
        await trainer.restore(snapshot.state, (name) => Promise.resolve(tensor(snapshot.tensors, name)));
      return new TrainingRun(kernel, model, trainer);
    } catch (error) {
      await kernel.dispose();
      throw error;
    }
  }

  async snapshot(): Promise<Snapshot> {
    const tensors = new Map<string, Float32Array>();
    // Copied: `read` may return a view of the kernel's memory, which ends with the kernel.
    for (const { name, read } of this.trainer.tensors()) tensors.set(name, (await read()).slice());
    return { state: this.trainer.state(), tensors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.trainer.dispose();
    this.model.dispose();
    await this.kernel.dispose();
  }
}

function tensor(tensors: Snapshot["tensors"], name: string): Float32Array {
  const values = tensors.get(name);
  if (!values) throw new Error(`the training run has no ${name}`);
  return values;
}
