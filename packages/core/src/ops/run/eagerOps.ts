import { type Kernel, type Residual, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { checkOptions, flag, objectWith, type Rules } from "../../checkOptions.ts";
import type { DerivedTensors } from "./derivedTensors.ts";
import type { ConstantData, GradientSink, LossGradient, OpRun } from "./opRun.ts";
import { type Ops, OpsBase, type UnaryOp } from "./ops.ts";
import { uploadConstant } from "./uploadConstant.ts";

export interface EagerOptions {
  /** Keeps derived tensors between calls. Borrowed. Default: they are computed where they are needed. */
  readonly derived?: DerivedTensors | undefined;
  /**
   * Run sequence ops with a state on one position as the one-token kernel ops. They equal the sequence ops to rounding, not bit
   * for bit. Default true.
   */
  readonly steps?: boolean | undefined;
  /** Receives the states that sequence ops advance. Default: they are written at once. */
  readonly states?: Pick<OpRun, "advance"> | undefined;
  /** Uploads the shared constants. Default: these ops. */
  readonly shared?: Pick<Ops, "sharedConstant"> | undefined;
}

/** Options of frames, which passed the check: each layer of each token makes ops. */
const checked = new WeakSet<EagerOptions>();
const rules: Rules<EagerOptions> = {
  derived: objectWith("DerivedTensors", "get"),
  steps: flag,
  states: objectWith("an object with advance", "advance"),
  shared: objectWith("Ops", "sharedConstant"),
};

/** Runs ops at once and frees their results when it is disposed: inference. */
export class EagerOps extends OpsBase implements Ops, OpRun, Disposable {
  readonly kernel: Kernel;
  readonly takesSteps: boolean;
  readonly #options: EagerOptions;
  readonly #frameOptions: EagerOptions;
  readonly #scope = new Scope();
  /** Made when it is needed: there are ops for each layer of each token. */
  #shared: Map<ConstantData, Tensor> | undefined;

  /** @throws MambaError `OPTIONS` */
  constructor(kernel: Kernel, options: EagerOptions = {}) {
    super();
    if (!checked.has(options)) checkOptions("EagerOps", options, rules);
    this.kernel = kernel;
    const { steps = true, states } = options;
    this.takesSteps = steps && states === undefined;
    this.#options = options;
    this.#frameOptions = options.shared ? options : { ...options, shared: this };
    checked.add(this.#frameOptions);
  }

  derived(parameter: Tensor, op: UnaryOp): Tensor {
    return this.#options.derived?.get(parameter, op) ?? this[op](parameter);
  }
  constant(data: ConstantData, shape: Shape): Tensor {
    return this.#scope.use(uploadConstant(this.kernel, data, shape));
  }
  sharedConstant(data: ConstantData, shape: Shape): Tensor {
    if (this.#options.shared) return this.#options.shared.sharedConstant(data, shape);
    this.#shared ??= new Map();
    let tensor = this.#shared.get(data);
    if (!tensor) this.#shared.set(data, (tensor = this.constant(data, shape)));
    return tensor;
  }
  moduleConstant(data: ConstantData, shape: Shape): Tensor {
    return this.#options.derived?.constant(data, shape) ?? this.sharedConstant(data, shape);
  }
  frame(body: (ops: Ops) => Tensor): Tensor {
    using inner = new EagerOps(this.kernel, this.#frameOptions);
    return this.#scope.use(inner.keep(body(inner)));
  }
  free(x: Tensor): void {
    this.#scope.release(x).dispose();
  }
  addLoss(): void {}

  /** Hands a result over to the caller: it outlives this object. */
  keep(x: Tensor): Tensor {
    return this.#scope.release(x);
  }
  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  recorder(): undefined {}
  result(y: Tensor, _inputs: unknown, _backward: (dy: Tensor, sink: GradientSink) => void): Tensor {
    return this.#scope.use(y);
  }
  lossResult(
    loss: Tensor,
    _inputs: unknown,
    _backward: (d: LossGradient, sink: GradientSink) => void,
  ): Tensor {
    return this.#scope.use(loss);
  }
  hold<T extends Tensor | Residual>(item: T): T {
    return this.#scope.use(item);
  }
  advance(state: Tensor, next: Tensor): void {
    if (this.#options.states) {
      this.#options.states.advance(state, next);
      return;
    }
    this.kernel.copyInto(state, next);
    next.dispose();
  }
}
