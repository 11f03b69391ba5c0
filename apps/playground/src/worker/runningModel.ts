import { type LoadedCheckpoint, loadCheckpoint } from "@mamba/checkpoint/browser";
import { type Kernel, openKernel } from "@mamba/kernel";
import type { BackendId, LoadedModel, Report } from "../protocol.ts";
import { candidateOf, warmUp } from "./backends.ts";
import { storedFiles } from "./modelStore.ts";

/** An open backend with a model on it. */
export class RunningModel implements AsyncDisposable {
  readonly id: string;
  readonly backend: BackendId;
  readonly kernel: Kernel;
  readonly checkpoint: LoadedCheckpoint;

  private constructor(id: string, backend: BackendId, kernel: Kernel, checkpoint: LoadedCheckpoint) {
    this.id = id;
    this.backend = backend;
    this.kernel = kernel;
    this.checkpoint = checkpoint;
  }

  /** Opens a backend and loads a stored model onto it. Reports the progress of both. */
  static async open(
    id: string,
    backend: BackendId,
    report: (report: Report) => void,
    signal: AbortSignal,
  ): Promise<RunningModel> {
    const kernel = await openKernel([candidateOf(backend)]);
    try {
      const checkpoint = await loadCheckpoint(kernel, await storedFiles(id), {
        signal,
        onProgress: ({ doneBytes: done, totalBytes: total }) => {
          report({ type: "progress", label: "Loading the weights", unit: "bytes", done, total });
        },
      });
      await warmUp(kernel, checkpoint.model, (done, total) => {
        report({ type: "progress", label: "Compiling the shaders", unit: "shaders", done, total });
      });
      return new RunningModel(id, backend, kernel, checkpoint);
    } catch (error) {
      await kernel.dispose();
      throw error;
    }
  }

  /** The model in words. */
  describe(): LoadedModel {
    const { config, model, notes } = this.checkpoint;
    let parameters = 0;
    for (const { shape } of model.parameters.values()) parameters += shape.reduce((size, n) => size * n, 1);
    const count = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
    const description = `${count.format(parameters)} parameters, ${config.nLayers} layers, width ${config.dModel}`;
    return {
      id: this.id,
      description,
      notes: notes.map((note) => note.charAt(0).toUpperCase() + note.slice(1)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.checkpoint.model.dispose();
    await this.kernel.dispose();
  }
}
