import { inspectCheckpoint, type LoadedCheckpoint, loadCheckpoint } from "@mamba/checkpoint/browser";
import { type Kernel, KernelError } from "@mamba/kernel";
import { warmUp } from "@mamba/run/browser";
import type { MemoryBudget } from "../device.ts";
import type { BackendId, LoadedModel, Report } from "../protocol.ts";
import { openBackend } from "./backends.ts";
import { checkFit, memoryNeed } from "./fit/memoryNeed.ts";
import { storedFiles } from "./store/modelStore.ts";

/** Options of `RunningModel.open`. */
interface OpenOptions {
  readonly report: (report: Report) => void;
  /** The memory for this page; undefined when only the backend limits it. */
  readonly budget: MemoryBudget | undefined;
  /** Bytes of the model that stays in memory meanwhile. */
  readonly held: number;
  /** Called when the model is known to fit, before its weights are loaded. */
  readonly onFit?: () => Promise<void>;
  readonly signal: AbortSignal;
}

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

  /**
   * Opens a backend and loads a stored model onto it. Reports the progress of both.
   *
   * @throws KernelError `OUT_OF_MEMORY` when the model does not fit, before a weight is loaded
   */
  static async open(
    id: string,
    backend: BackendId,
    { report, budget, held, onFit, signal }: OpenOptions,
  ): Promise<RunningModel> {
    const kernel = await openBackend(backend);
    try {
      const files = await storedFiles(id);
      const need = memoryNeed(await inspectCheckpoint(files, { kernel }));
      checkFit(files.label, need, kernel, budget, held);
      await onFit?.();
      const checkpoint = await loadCheckpoint(kernel, files, {
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
      throw inPlainWords(error);
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

/** Replaces an error of the engine that says that there is no memory by one in plain words. */
function inPlainWords(error: unknown): unknown {
  const isMemory = error instanceof RangeError || KernelError.is(error, "OUT_OF_MEMORY");
  if (!isMemory || /does not fit/.test(error.message)) return error;
  const message = `the browser gives this page no more memory: use a smaller model, or close other tabs (${error.message})`;
  return new KernelError("OUT_OF_MEMORY", message, { cause: error });
}
