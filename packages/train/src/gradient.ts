import { Gradients, type MambaLM, type StackState, Tape } from "@mamba/core";
import { Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { type Batch, chunksOf, countTargets } from "./batch.ts";

/** How a gradient is computed. */
export interface GradientOptions {
  readonly segmentLength: number | undefined;
  readonly recompute: boolean;
}

/** The gradient of the mean loss over all targets of some batches, with the losses that it is made of. */
export class Gradient implements Disposable {
  readonly #kernel: TrainingKernel;
  readonly #model: MambaLM;
  readonly #tracked: readonly Tensor[];
  readonly #options: GradientOptions;
  readonly #scope = new Scope();
  readonly #gradients: Gradients;
  /** [1] each, with the share of the targets that each is the mean of. */
  readonly losses: { readonly loss: Tensor; readonly share: number }[] = [];

  /** @param tracked the parameters whose gradient is wanted */
  constructor(kernel: TrainingKernel, model: MambaLM, tracked: Iterable<Tensor>, options: GradientOptions) {
    this.#kernel = kernel;
    this.#model = model;
    this.#tracked = [...tracked];
    this.#options = options;
    this.#gradients = new Gradients(kernel);
  }

  get byParameter(): ReadonlyMap<Tensor, Tensor> {
    return this.#gradients.byTensor;
  }

  /**
   * Adds a batch. Segments carry the states on, but no gradient.
   *
   * @param total targets of all batches together, so that each target has the same weight whatever batch it is in
   */
  add(batch: Batch, total: number): void {
    const chunks = chunksOf(batch, this.#options.segmentLength);
    using state = chunks.length > 1 ? this.#model.createState(batch.size) : undefined;
    for (const chunk of chunks) {
      const count = countTargets(chunk);
      using ids = this.#kernel.upload(chunk.ids, [chunk.size, chunk.length], "i32");
      if (count > 0) this.#backward(ids, chunk, count / total, state);
      // Nothing is asked here: only the state goes on.
      else if (state) this.#model.forward(ids, { state, logits: "last" }).dispose();
    }
  }

  #backward(ids: Tensor, { targets }: Batch, share: number, state: StackState | undefined): void {
    const kernel = this.#kernel;
    using tape = new Tape(kernel, this.#tracked, { recompute: this.#options.recompute });
    const logits = this.#model.run(tape, ids, { state });
    const flat = tape.reshape(logits, [targets.length, this.#model.config.vocabSize]);
    using wanted = kernel.upload(targets, [targets.length], "i32");
    const loss = this.#scope.use(tape.keep(tape.crossEntropy(flat, wanted)));
    this.losses.push({ loss, share });
    for (const [parameter, gradient] of tape.backward(loss, share)) this.#gradients.add(parameter, gradient);
  }

  [Symbol.dispose](): void {
    this.#scope.dispose();
    this.#gradients.dispose();
  }
}
