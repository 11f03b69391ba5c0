import { type MambaLM, Tape } from "@mamba/core";
import { Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { type Batch, countTargets, segmentsOf } from "./dataSource.ts";

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
  readonly #byParameter = new Map<Tensor, Tensor>();
  /** [1] each, with the share of the targets that each is the mean of. */
  readonly losses: { readonly loss: Tensor; readonly share: number }[] = [];

  /** @param tracked the parameters whose gradient is wanted */
  constructor(kernel: TrainingKernel, model: MambaLM, tracked: Iterable<Tensor>, options: GradientOptions) {
    this.#kernel = kernel;
    this.#model = model;
    this.#tracked = [...tracked];
    this.#options = options;
  }

  get byParameter(): ReadonlyMap<Tensor, Tensor> {
    return this.#byParameter;
  }

  /**
   * Adds a batch. Segments carry the caches on, but no gradient.
   *
   * @param total targets of all batches together, so that each target has the same weight whatever batch it is in
   */
  add(batch: Batch, total: number): void {
    const segments = segmentsOf(batch, this.#options.segmentLength);
    using cache = segments.length > 1 ? this.#model.createCache(batch.size) : undefined;
    for (const segment of segments) {
      const count = countTargets(segment);
      using ids = this.#kernel.upload(segment.ids, [segment.size, segment.length], "i32");
      if (count > 0) this.#backward(ids, segment, count / total, cache);
      // Nothing is asked here: only the state goes on.
      else if (cache) this.#model.forward(ids, { cache, logits: "last" }).dispose();
    }
  }

  #backward(
    ids: Tensor,
    { targets }: Batch,
    share: number,
    cache: ReturnType<MambaLM["createCache"]> | undefined,
  ) {
    const kernel = this.#kernel;
    using tape = new Tape(kernel, this.#tracked, { checkpoint: this.#options.recompute });
    const logits = this.#model.run(tape, ids, { cache });
    const flat = tape.reshape(logits, [targets.length, this.#model.config.vocabSize]);
    using wanted = kernel.upload(targets, [targets.length], "i32");
    const { loss, dLogits } = kernel.crossEntropyWithGradient(flat, wanted);
    this.losses.push({ loss: this.#scope.use(loss), share });
    using dMean = dLogits;
    using dShare = kernel.scale(dMean, share);
    for (const [parameter, gradient] of tape.backward(flat, dShare)) this.#give(parameter, gradient);
  }

  #give(parameter: Tensor, gradient: Tensor): void {
    const sum = this.#byParameter.get(parameter);
    if (sum) {
      using part = gradient;
      this.#kernel.accumulate(sum, part);
    } else this.#byParameter.set(parameter, this.#scope.use(gradient));
  }

  [Symbol.dispose](): void {
    this.#scope.dispose();
  }
}
