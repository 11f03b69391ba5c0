import { elementCount, type Kernel } from "@mamba/kernel";
import { TrainError } from "@mamba/train";
import type { BackendId, TrainingKind, TrainingSettings } from "../../protocol.ts";
import { openBackend } from "../backends.ts";
import type { Learned, Lesson } from "./course.ts";
import { loadLearned, openLesson } from "./courses.ts";
import type { Snapshot } from "./run.ts";

/** A model on a kernel of its own. */
export class OpenModel<L extends Learned = Learned> implements AsyncDisposable {
  readonly kind: TrainingKind;
  readonly backend: BackendId;
  readonly kernel: Kernel;
  readonly learned: L;

  private constructor(kind: TrainingKind, backend: BackendId, kernel: Kernel, learned: L) {
    this.kind = kind;
    this.backend = backend;
    this.kernel = kernel;
    this.learned = learned;
  }

  /**
   * Opens a backend with a model in training on it.
   *
   * @param snapshot the run to continue. Default: a new run
   */
  static async train(
    backend: BackendId,
    settings: TrainingSettings,
    snapshot: Snapshot | undefined,
  ): Promise<OpenModel<Lesson>> {
    return OpenModel.#on(backend, settings.kind, async (kernel) => {
      const lesson = await openLesson(kernel, settings);
      if (!snapshot) return lesson;
      try {
        await restore(lesson, snapshot);
      } catch (error) {
        lesson[Symbol.dispose]();
        throw error;
      }
      return lesson;
    });
  }

  /** Opens a backend with the model of some files on it. */
  static async load(
    backend: BackendId,
    kind: TrainingKind,
    files: ReadonlyMap<string, Blob>,
  ): Promise<OpenModel> {
    return OpenModel.#on(backend, kind, (kernel) => loadLearned(kernel, kind, files));
  }

  static async #on<L extends Learned>(
    backend: BackendId,
    kind: TrainingKind,
    make: (kernel: Kernel) => Promise<L>,
  ): Promise<OpenModel<L>> {
    const kernel = await openBackend(backend);
    try {
      return new OpenModel(kind, backend, kernel, await make(kernel));
    } catch (error) {
      await kernel.dispose();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.learned[Symbol.dispose]();
    await this.kernel.dispose();
  }
}

/** Copies the state of a run into host memory. */
export async function snapshotOf({ trainer }: Lesson): Promise<Snapshot> {
  const tensors = new Map<string, Float32Array>();
  // Copied: `read` may return a view of the kernel's memory, which ends with the kernel.
  for (const { name, read } of trainer.tensors()) tensors.set(name, (await read()).slice());
  return { state: trainer.state(), tensors };
}

/** @throws TrainError `RESUME` when the snapshot is of another run, or lacks a tensor */
async function restore({ trainer }: Lesson, { state, tensors }: Snapshot): Promise<void> {
  const counts = new Map(trainer.tensors().map(({ name, shape }) => [name, elementCount(shape)]));
  await trainer.restore(state, async (name) => {
    const values = tensors.get(name);
    if (values?.length === counts.get(name) && values) return values;
    const got = values ? `${values.length} numbers` : "none";
    throw new TrainError("RESUME", `${name}: expected ${counts.get(name) ?? 0} numbers, got ${got}`);
  });
}
