import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import type { MambaCache } from "./cache.ts";
import { type MambaLMConfig, type MambaLMConfigInput, resolveLMConfig, widthMultiplier } from "./config.ts";
import { MambaError } from "./errors.ts";
import { type LoraAdapter, loraSpecs, loraTargets } from "./lora.ts";
import { Mamba } from "./mamba.ts";
import { EagerOps, type Ops } from "./ops.ts";
import {
  checkParameters,
  parameter,
  type Parameters,
  type ParameterSpec,
  parameterSpecs,
} from "./parameters.ts";
import { initialParameters } from "./random.ts";
import { checkRanges, type Range } from "./ranges.ts";

/** How a language model is run over a sequence. */
export interface ForwardOptions {
  /** What came before; advanced in place to the end of this sequence. */
  readonly cache?: MambaCache | undefined;
  /** The real positions of each row; the rest is padding and leaves the cache untouched. Default: all. */
  readonly ranges?: readonly Range[] | undefined;
  /** "all" positions [B, L, V], or only the "last" real one of each row, [B, V]. Default "all". */
  readonly logits?: "all" | "last" | undefined;
}

/** A Mamba language model: embedding, stack, final norm and head, on one kernel. */
export class MambaLM implements Disposable {
  readonly kernel: Kernel;
  readonly config: MambaLMConfig;
  readonly parameters: Parameters;
  readonly backbone: Mamba;
  readonly #embeddings: Tensor;
  readonly #head: Tensor;
  #adapter: LoraAdapter | undefined;

  /**
   * Takes ownership of `parameters`, named and shaped as `parameterSpecs(config)` says.
   *
   * @throws MambaError `PARAMETER` when one is missing, superfluous or has the wrong shape.
   */
  constructor(kernel: Kernel, config: MambaLMConfig, parameters: Parameters) {
    checkParameters(parameters, parameterSpecs(config));
    this.kernel = kernel;
    this.config = config;
    this.parameters = parameters;
    this.#embeddings = parameter(parameters, "backbone.embeddings.weight");
    this.#head = config.tieEmbeddings ? this.#embeddings : parameter(parameters, "lm_head.weight");
    this.backbone = new Mamba(kernel, config, parameters, "backbone.");
  }

  /**
   * A model with random weights, f32. Equal seeds give equal weights.
   *
   * @throws MambaError `CONFIG`; KernelError `OUT_OF_MEMORY`.
   */
  static init(kernel: Kernel, input: MambaLMConfigInput, seed = 0): MambaLM {
    const config = resolveLMConfig(input);
    using scope = new Scope();
    const parameters = initialParameters(kernel, parameterSpecs(config), seed, scope);
    const model = new MambaLM(kernel, config, parameters);
    for (const tensor of parameters.values()) scope.release(tensor);
    return model;
  }

  /** The adapter at work, if there is one. */
  get adapter(): LoraAdapter | undefined {
    return this.#adapter;
  }

  /**
   * Puts an adapter to work, in `forward`, `step` and on tapes, in place of the one before. It is borrowed, and the
   * model's own parameters stay as they are. Caches hold what went before: begin with a new one.
   *
   * @throws MambaError `PARAMETER` when the adapter is for a model of another shape.
   */
  attach(adapter: LoraAdapter): void {
    checkParameters(adapter.parameters, loraSpecs(this.config, adapter.config));
    this.#use(adapter);
  }

  /** Ends the work of the adapter: the model is what it was. */
  detach(): void {
    this.#use(undefined);
  }

  #use(adapter: LoraAdapter | undefined): void {
    this.#adapter = adapter;
    this.backbone.layers.forEach(({ mixer }, i) => {
      for (const target of loraTargets) {
        const linear = mixer.linears[target];
        if (linear) linear.update = adapter?.updateOf(`backbone.layers.${i}.mixer.${target}`);
      }
    });
  }

  /** What training changes: the adapter's parameters while one is attached, and otherwise the model's own. */
  get trainable(): { readonly specs: readonly ParameterSpec[]; readonly parameters: Parameters } {
    const adapter = this.#adapter;
    return adapter
      ? { specs: loraSpecs(this.config, adapter.config), parameters: adapter.parameters }
      : { specs: parameterSpecs(this.config), parameters: this.parameters };
  }

  /** A cache for `batch` rows that has seen nothing. */
  createCache(batch: number): MambaCache {
    return this.backbone.createCache(batch);
  }

  /**
   * Logits for token ids i32 [B, L]: [B, L, V] or, with `logits: "last"`, [B, V]. V is `vocabSize`: the padding of the
   * table is cut off. The result is the caller's.
   *
   * @throws MambaError `CACHE` (another model or batch), `INPUT` (ranges).
   */
  forward(ids: Tensor, options: ForwardOptions = {}): Tensor {
    using ops = new EagerOps(this.kernel);
    return ops.keep(this.run(ops, ids, options));
  }

  /** `forward` through ops of the caller's, a `Tape` to train: they own the result. */
  run(ops: Ops, ids: Tensor, { cache, ranges, logits = "all" }: ForwardOptions = {}): Tensor {
    const [batch = 0, length = 0] = ids.shape;
    if (ids.shape.length !== 2)
      throw new MambaError("INPUT", `ids must be [B, L], got [${ids.shape.join(", ")}]`);
    if (ranges) checkRanges(ranges, batch, length);
    const range = ranges && ops.constant(Int32Array.from(ranges.flat()), [batch, 2]);
    const hidden = this.backbone.forward(ops, ops.embedding(ids, this.#embeddings), { cache, range }); // [B, L, D]
    if (logits === "all") return this.#toLogits(ops, hidden);
    const last = Array.from(
      { length: batch },
      (_, row) => row * length + Math.max((ranges?.[row]?.[1] ?? length) - 1, 0),
    );
    const rows = ops.reshape(hidden, [batch * length, this.config.dModel]);
    return this.#toLogits(ops, ops.gatherRows(rows, last));
  }

  /** Brings what is derived from the parameters up to date, after training changed them. */
  refresh(): void {
    this.backbone.refresh();
  }

  /**
   * Logits [B, V] after one token per row, ids i32 [B]. The cache is advanced in place; the result is the caller's.
   *
   * @throws MambaError `CACHE` (another model or batch).
   */
  step(ids: Tensor, cache: MambaCache): Tensor {
    if (ids.shape.length !== 1)
      throw new MambaError("INPUT", `ids must be [B], got [${ids.shape.join(", ")}]`);
    using ops = new EagerOps(this.kernel);
    const hidden = this.backbone.step(ops, ops.embedding(ids, this.#embeddings), cache); // [B, D]
    return ops.keep(this.#toLogits(ops, hidden));
  }

  /** hidden [..., D] -> [..., V] */
  #toLogits(ops: Ops, hidden: Tensor): Tensor {
    const m = widthMultiplier(this.config);
    const logits = ops.linear(m === 1 ? hidden : ops.scale(hidden, 1 / m), this.#head); // [..., padded V]
    return logits.shape.at(-1) === this.config.vocabSize
      ? logits
      : ops.columns(logits, 0, this.config.vocabSize);
  }

  /** Frees the parameters. Caches are their owners' to free. */
  dispose(): void {
    this.backbone.dispose();
    for (const tensor of this.parameters.values()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
