import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import type { Adaptable } from "../adapters/lora.ts";
import { checkOptions, objectWith, type Rules, whole } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import { Embedding } from "../layers/embedding.ts";
import { type AnyLinear } from "../layers/expertLinear.ts";
import { Linear } from "../layers/linear.ts";
import { parametrization } from "../layers/mambaConfig.ts";
import type { Training } from "../layers/module.ts";
import { Sequences } from "../layers/sequences.ts";
import { Stack } from "../layers/stack.ts";
import { EagerOps } from "../ops/run/eagerOps.ts";
import type { Ops } from "../ops/run/ops.ts";
import { initialParameters, type InitOptions } from "../parameters/initialValues.ts";
import { parameter, type Parameters } from "../parameters/spec.ts";
import { StackState, type StateOptions } from "../state/stackState.ts";
import {
  type HybridLMConfig,
  type HybridLMConfigInput,
  isHybrid,
  type LMConfig,
  type LMConfigInput,
  type MambaLMConfig,
  type MambaLMConfigInput,
  resolveLMConfig,
} from "./config.ts";
import { Model } from "./model.ts";
import { parameterSpecs, stackOf } from "./specs.ts";

/** How a language model is run over a sequence. */
export interface ForwardOptions {
  /** The state after what came before; advanced in place to the end of this input. */
  readonly state?: StackState | undefined;
  /**
   * The sequences and the padding of each row. The first sequence of a row goes on from the state, every other one starts from
   * zeros, and the state is advanced to the end of the last. Default: a row is one sequence.
   */
  readonly sequences?: Sequences | undefined;
  /**
   * "all" positions [B, L, V], or only the "last" real one of each row, [B, V]: of several sequences, the end of the last one. For
   * the ends of all sequences, select `sequences.lastPositions` from "all". The logits of a row of padding are those of its first
   * position, and mean nothing. Default "all".
   */
  readonly logits?: "all" | "last" | undefined;
  /** Given in training only. */
  readonly training?: Pick<Training, "seed"> | undefined;
}

/** How `createState` makes a state. */
export interface CreateStateOptions extends StateOptions {
  /** Creates the tensors. Default: the model's. */
  readonly kernel?: Kernel | undefined;
}

const stateRules: Rules<CreateStateOptions> = {
  kernel: objectWith("a Kernel", "zeros"),
  maxLength: whole(1),
};

const forwardRules: Rules<ForwardOptions> = {
  state: objectWith("a StackState", "checkFits"),
  sequences: [(value) => value instanceof Sequences, "Sequences"],
  logits: [(value) => value === "all" || value === "last", '"all" or "last"'],
  training: [(value) => typeof value === "object", "an object"],
};

/**
 * A language model of equal Mamba blocks, or of any layers: embedding, stack, final norm and head, on one kernel.
 *
 * @typeParam C the kind of its config; `isHybrid(model.config)` tells them apart
 */
export class MambaLM<C extends LMConfig = LMConfig> extends Model<C> {
  readonly backbone: Stack;
  readonly #embeddings: Embedding;
  readonly #head: Linear;
  readonly #embeddingScale: number;
  /** Multiplies the hidden states before the head, which multiplies the logits. Under muP one over the width multiplier. */
  readonly #logitScale: number;
  /**
   * The layers that an adapter can adapt, by the full name of their weight: the embedding table, the linear layers of the stack,
   * and the head, which is `lm_head.weight` even when its weight is the table.
   */
  readonly linears: Adaptable;

  /**
   * Takes ownership of `parameters`, named and shaped as `parameterSpecs(config)` says.
   *
   * @throws MambaError `PARAMETER` when one is missing, superfluous or has the wrong shape.
   */
  constructor(kernel: Kernel, config: C, parameters: Parameters) {
    super(kernel, config, parameterSpecs(config), parameters);
    this.#embeddings = new Embedding(parameter(parameters, "backbone.embeddings.weight"));
    this.#head = new Linear(
      parameter(parameters, config.tieEmbeddings ? "backbone.embeddings.weight" : "lm_head.weight"),
    );
    this.#embeddingScale = isHybrid(config) ? config.embeddingScale : 1;
    this.#logitScale = isHybrid(config) ? config.logitScale : 1 / parametrization(config).widthMultiplier;
    this.backbone = new Stack(stackOf(config), parameters, "backbone.");
    this.linears = new Map<string, AnyLinear | Embedding>([
      ["backbone.embeddings.weight", this.#embeddings],
      ...this.backbone.linears,
      ["lm_head.weight", this.#head],
    ]);
  }

  /**
   * A model with random weights. Equal seeds give equal weights.
   *
   * @throws MambaError `CONFIG`; KernelError `OUT_OF_MEMORY`, `DTYPE`.
   */
  static init(
    kernel: Kernel,
    input: MambaLMConfigInput,
    seed?: number,
    options?: InitOptions,
  ): MambaLM<MambaLMConfig>;
  static init(
    kernel: Kernel,
    input: HybridLMConfigInput,
    seed?: number,
    options?: InitOptions,
  ): MambaLM<HybridLMConfig>;
  static init(kernel: Kernel, input: LMConfigInput, seed?: number, options?: InitOptions): MambaLM;
  static init(kernel: Kernel, input: LMConfigInput, seed = 0, { dtype }: InitOptions = {}): MambaLM {
    const config = resolveLMConfig(input);
    using scope = new Scope();
    const parameters = initialParameters(kernel, parameterSpecs(config), seed, scope, dtype);
    const model = new MambaLM(kernel, config, parameters);
    for (const tensor of parameters.values()) scope.release(tensor);
    return model;
  }

  /**
   * A state for `batch` rows before their first token. `stateBytes` predicts its memory.
   *
   * @throws MambaError `CACHE` (batch), `OPTIONS`; KernelError `OUT_OF_MEMORY`
   */
  createState(batch: number, options: CreateStateOptions = {}): StackState {
    checkOptions("createState", options, stateRules);
    const { kernel = this.kernel, maxLength } = options;
    return StackState.create(kernel, this.backbone.state, batch, { maxLength });
  }

  /**
   * Logits for token ids i32 [B, L]: [B, L, V] or, with `logits: "last"`, [B, V]. V is `vocabSize`: the padding of the table
   * is cut off. The result is the caller's.
   *
   * @throws MambaError `CACHE` (another model or batch), `INPUT` (ids, sequences), `OPTIONS`, `LENGTH` and `UNSUPPORTED` (see `Stack.forward`).
   */
  forward(ids: Tensor, options: ForwardOptions = {}): Tensor {
    // Without one-token ops, so that a prompt gives the same bits when its last chunk has one position.
    using ops = new EagerOps(this.kernel, { derived: this.derived, steps: false });
    checkOptions("forward", options, forwardRules);
    return ops.keep(this.#run(ops, ids, options));
  }

  /** `forward` through ops of the caller's, such as a `Tape` to train: they own the result. */
  run(ops: Ops, ids: Tensor, options: ForwardOptions = {}): Tensor {
    checkOptions("forward", options, forwardRules);
    return this.#run(ops, ids, options);
  }

  #run(ops: Ops, ids: Tensor, { state, sequences, logits = "all", training }: ForwardOptions): Tensor {
    const [batch = 0, length = 0] = ids.shape;
    if (ids.shape.length !== 2)
      throw new MambaError("INPUT", `ids must be [B, L], got [${ids.shape.join(", ")}]`);
    const embedded = scaled(ops, this.#embeddings.forward(ops, ids), this.#embeddingScale); // [B, L, D]
    const hidden = this.backbone.forward(ops, embedded, { state, sequences, training });
    ops.free(embedded);
    if (logits === "all") return this.#toLogits(ops, hidden);
    const rows = ops.reshape(hidden, [batch * length, this.config.dModel]);
    if (length === 1) return this.#toLogits(ops, rows);
    const last = Array.from({ length: batch }, (_, row) =>
      sequences ? (sequences.lastOfRows[row] ?? row * length) : (row + 1) * length - 1,
    );
    return this.#toLogits(ops, ops.gatherRows(rows, last));
  }

  /**
   * Logits [B, V] after one token per row, ids i32 [B]. The state is advanced in place; the result is the caller's.
   *
   * @throws MambaError `CACHE` (another model or batch), `INPUT` (ids).
   */
  step(ids: Tensor, state: StackState): Tensor {
    const [batch = 0] = ids.shape;
    if (ids.shape.length !== 1)
      throw new MambaError("INPUT", `ids must be [B], got [${ids.shape.join(", ")}]`);
    using ops = new EagerOps(this.kernel, { derived: this.derived });
    return ops.keep(this.#run(ops, ops.reshape(ids, [batch, 1]), { state, logits: "last" }));
  }

  /** hidden [..., D] -> [..., V] */
  #toLogits(ops: Ops, hidden: Tensor): Tensor {
    const logits = this.#head.forward(ops, scaled(ops, hidden, this.#logitScale)); // [..., padded V]
    return logits.shape.at(-1) === this.config.vocabSize
      ? logits
      : ops.columns(logits, 0, this.config.vocabSize);
  }
}

function scaled(ops: Ops, x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : ops.scale(x, factor);
}
