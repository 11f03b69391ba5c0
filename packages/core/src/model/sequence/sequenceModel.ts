import type { Adaptable } from "../../adapters/lora.ts";
import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { checkOptions, objectWith, type Rules } from "../../checkOptions.ts";
import { MambaError } from "../../errors.ts";
import { dropout } from "../../layers/dropout.ts";
import { Embedding } from "../../layers/embedding.ts";
import { type AnyLinear } from "../../layers/expertLinear.ts";
import { Linear } from "../../layers/linear.ts";
import type { StateSpec } from "../../layers/module.ts";
import { Sequences } from "../../layers/sequences.ts";
import { Stack } from "../../layers/stack.ts";
import { EagerOps } from "../../ops/run/eagerOps.ts";
import type { Ops } from "../../ops/run/ops.ts";
import { initialParameters, type InitOptions } from "../../parameters/initialValues.ts";
import { parameter, type Parameters } from "../../parameters/spec.ts";
import { StackState } from "../../state/stackState.ts";
import { Head } from "../head.ts";
import { Model } from "../model.ts";
import type { ModelInput, TrainableModel, TrainingRunOptions } from "../trainableModel.ts";
import { resolveSequenceConfig, type SequenceConfig, type SequenceConfigInput } from "./config.ts";
import { pool } from "./pool.ts";
import { sequenceSpecs, sequenceStack } from "./specs.ts";

const runRules: Rules<TrainingRunOptions> = {
  state: objectWith("a StackState", "checkFits"),
  sequences: [(value) => value instanceof Sequences, "Sequences"],
  training: [(value) => typeof value === "object", "an object"],
};

/**
 * A model of sequences of numbers or ids: an input projection or an embedding, a stack, pooling, and a head.
 *
 * B rows, L positions, S sequences, C channels, O outputs. A result is one for each position, [B, L, O], with pooling "none", and
 * otherwise one for each sequence, [S, O]. Every sequence computes what it would compute alone, wherever it is packed.
 */
export class SequenceModel extends Model<SequenceConfig> implements TrainableModel {
  readonly kind = "sequence";
  readonly backbone: Stack;
  readonly linears: Adaptable;
  readonly input: ModelInput;
  readonly state: readonly StateSpec[] | undefined;
  readonly outputs: number;
  readonly perPosition: boolean;
  readonly #input: Linear | Embedding;
  readonly #head: Head;

  /**
   * Takes ownership of `parameters`, named and shaped as `sequenceSpecs(config)` says.
   *
   * @throws MambaError `PARAMETER` when one is missing, superfluous or has the wrong shape
   */
  constructor(kernel: Kernel, config: SequenceConfig, parameters: Parameters) {
    super(kernel, config, sequenceSpecs(config), parameters);
    const isTokens = config.input.kind === "tokens";
    const name = isTokens ? "backbone.embeddings.weight" : "input_proj.weight";
    const weight = parameter(parameters, name);
    this.#input = isTokens
      ? new Embedding(weight)
      : new Linear(weight, parameter(parameters, "input_proj.bias"));
    this.backbone = new Stack(sequenceStack(config), parameters, "backbone.");
    this.#head = new Head(config, parameters);
    this.linears = new Map<string, AnyLinear | Embedding>([
      [name, this.#input],
      ...this.backbone.linears,
      ["head.weight", this.#head.linear],
    ]);
    this.input = config.input;
    this.state = reasonWithoutState(config) === undefined ? this.backbone.state : undefined;
    this.outputs = config.outputs;
    this.perPosition = config.pooling === "none";
  }

  /**
   * A model with random weights. Equal seeds give equal weights.
   *
   * @throws MambaError `CONFIG`; KernelError `OUT_OF_MEMORY`, `DTYPE`
   */
  static init(
    kernel: Kernel,
    input: SequenceConfigInput,
    seed = 0,
    { dtype }: InitOptions = {},
  ): SequenceModel {
    const config = resolveSequenceConfig(input);
    using scope = new Scope();
    const parameters = initialParameters(kernel, sequenceSpecs(config), seed, scope, dtype);
    const model = new SequenceModel(kernel, config, parameters);
    for (const tensor of parameters.values()) scope.release(tensor);
    return model;
  }

  /**
   * A state for `batch` rows before their first position.
   *
   * @throws MambaError `NO_STEP` when the model needs the whole input at once: it is bidirectional, or pools with "mean" or "max"
   */
  createState(batch: number): StackState {
    this.#checkSteps();
    return StackState.create(this.kernel, this.backbone.state, batch);
  }

  /**
   * Results for numbers f32 [B, L, C] or ids i32 [B, L]. The result is the caller's.
   *
   * @throws MambaError `INPUT` (input, sequences), `CACHE` (state), `NO_STEP` (see `createState`), `OPTIONS`
   */
  forward(input: Tensor, options: TrainingRunOptions = {}): Tensor {
    // Without one-token ops, so that an input gives the same bits when its last chunk has one position.
    using ops = new EagerOps(this.kernel, { derived: this.derived, steps: false });
    return ops.keep(this.run(ops, input, options));
  }

  /** `forward` through ops of the caller's, such as a `Tape` to train: they own the result. */
  run(ops: Ops, input: Tensor, options: TrainingRunOptions = {}): Tensor {
    checkOptions("run", options, runRules);
    const { state, sequences, training } = options;
    if (state) this.#checkSteps();
    this.#checkInput(input);
    const projected = this.#input.forward(ops, input); // [B, L, D]
    const embedded = dropout(ops, projected, this.config.dropout, training, 0);
    const hidden = this.backbone.forward(ops, embedded, { state, sequences, training }); // [B, L, D]
    ops.free(embedded);
    return this.#head.forward(ops, pool(ops, hidden, this.config.pooling, sequences));
  }

  /**
   * Results [B, O] after one position for each row: numbers f32 [B, C] or ids i32 [B]. Equal to `forward` on one position. The state
   * is advanced in place; the result is the caller's.
   *
   * @throws MambaError `INPUT`, `CACHE`, `NO_STEP`: see `forward`
   */
  step(input: Tensor, state: StackState): Tensor {
    const [batch = 0, ...rest] = input.shape;
    using ops = new EagerOps(this.kernel, { derived: this.derived });
    const y = this.run(ops, ops.reshape(input, [batch, 1, ...rest]), { state });
    return ops.keep(ops.reshape(y, [batch, this.outputs]));
  }

  /** @throws MambaError `NO_STEP` */
  #checkSteps(): void {
    const reason = reasonWithoutState(this.config);
    if (reason === undefined) return;
    const problem = `a sequence model that ${reason} has no state`;
    throw new MambaError(
      "NO_STEP",
      `${problem}: it needs the whole input at once; call forward without a state`,
    );
  }

  /** @throws MambaError `INPUT` */
  #checkInput({ shape, dtype }: Tensor): void {
    const { input } = this.config;
    const isTokens = input.kind === "tokens";
    const fits = isTokens
      ? shape.length === 2 && dtype === "i32"
      : shape.length === 3 && dtype === "f32" && shape[2] === input.channels;
    if (fits) return;
    const expected = isTokens ? "ids i32 [B, L]" : `numbers f32 [B, L, ${input.channels}]`;
    throw new MambaError("INPUT", `sequence model: expected ${expected}, got ${dtype} [${shape.join(", ")}]`);
  }
}

/** The reason for which a model has no state, if it has none. */
function reasonWithoutState({ direction, pooling }: SequenceConfig): string | undefined {
  if (direction === "bidirectional") return "is bidirectional";
  return ["mean", "max"].includes(pooling) ? `pools with "${pooling}"` : undefined;
}
