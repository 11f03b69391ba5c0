import { type Residual, Scope, type Shape, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { checkOptions, flag, number, objectWith, type Rules } from "../../checkOptions.ts";
import { MambaError } from "../../errors.ts";
import type { DerivedTensors } from "./derivedTensors.ts";
import { EagerOps } from "./eagerOps.ts";
import { Gradients } from "./gradients.ts";
import type { ConstantData, GradientSink, LossGradient, OpRun } from "./opRun.ts";
import { type Ops, OpsBase, type UnaryOp } from "./ops.ts";
import { uploadConstant } from "./uploadConstant.ts";

/** How a tape records. */
export interface TapeOptions {
  /**
   * Keep only the input of each frame (each layer of a stack) and run the frame again in the backward pass: memory for one
   * layer's intermediates instead of all, for one more forward pass (Chen et al. 2016). Default false.
   */
  readonly recompute?: boolean | undefined;
  /** Keeps tensors derived from parameters that are not tracked. Borrowed. Default: they are computed where needed. */
  readonly derived?: DerivedTensors | undefined;
  /**
   * Multiplies the weights of the losses that are added with `addLoss`: where the tape has one of several batches or chunks of a step,
   * its fraction of the step, so that an added loss is a mean over them as well. Default 1.
   */
  readonly addedLossWeight?: number | undefined;
}

const rules: Rules<TapeOptions> = {
  recompute: flag,
  derived: objectWith("DerivedTensors", "get"),
  addedLossWeight: number("a finite number", Number.isFinite),
};

/**
 * Reverse-mode differentiation over `Ops`: layers run as they do for inference, every call that depends on a tracked tensor
 * is recorded, and `backward` walks the record from its end. Single use: one forward, one `backward`, dispose. Results
 * belong to the tape; `backward` frees them as it goes.
 *
 * States that a layer advances are written after `backward`, since the backward pass needs what they held before; no
 * gradient flows into a state (truncated backpropagation through time).
 */
export class Tape extends OpsBase implements Ops, OpRun, Disposable {
  readonly kernel: TrainingKernel;
  readonly takesSteps = false;
  readonly #options: TapeOptions;
  readonly #scope = new Scope();
  readonly #gradients: Gradients;
  /** Tensors that a gradient is wanted for, and all results computed from them. */
  readonly #tracked: Set<Tensor>;
  /** In call order: each passes the gradient of an op's result on to the op's arguments. */
  readonly #record: (() => void)[] = [];
  /** Weights of the losses that `backward` starts from. */
  readonly #losses = new Map<Tensor, number>();
  /** Results that the caller took over. */
  readonly #kept = new Set<Tensor>();
  /** Writes to states that wait for the end of `backward`. */
  readonly #states: { readonly state: Tensor; readonly next: Tensor }[] = [];
  readonly #sink: GradientSink;
  readonly #shared = new Map<ConstantData, Tensor>();
  /** The tape of which this one runs a frame again. */
  #outer: Tape | undefined;
  #used = false;

  /**
   * @param tracked the tensors that gradients are wanted for, mostly parameters
   * @throws MambaError `OPTIONS`
   */
  constructor(kernel: TrainingKernel, tracked: Iterable<Tensor>, options: TapeOptions = {}) {
    super();
    checkOptions("Tape", options, rules);
    this.kernel = kernel;
    this.#options = options;
    this.#gradients = new Gradients(kernel);
    this.#tracked = new Set(tracked);
    this.#sink = {
      kernel,
      add: (x, make) => {
        if (x && this.#tracked.has(x)) this.#gradients.add(x, make());
      },
      addColumns: (x, gradient, start, count) => {
        this.#gradients.addColumns(x, gradient, start, count);
      },
      addAll: (args, gradients) => {
        for (const [name, gradient] of Object.entries<unknown>(gradients)) {
          if (gradient === undefined) continue;
          this.#addOrFree(args[name as keyof typeof args] as Tensor, gradient as Tensor);
        }
      },
    };
  }

  derived(parameter: Tensor, op: UnaryOp): Tensor {
    const kept = this.#tracked.has(parameter) ? undefined : this.#options.derived?.get(parameter, op);
    return kept ?? this[op](parameter);
  }
  constant(data: ConstantData, shape: Shape): Tensor {
    return this.hold(uploadConstant(this.kernel, data, shape));
  }
  sharedConstant(data: ConstantData, shape: Shape): Tensor {
    if (this.#outer) return this.#outer.sharedConstant(data, shape);
    let tensor = this.#shared.get(data);
    if (!tensor) this.#shared.set(data, (tensor = this.constant(data, shape)));
    return tensor;
  }
  moduleConstant(data: ConstantData, shape: Shape): Tensor {
    return this.#options.derived?.constant(data, shape) ?? this.sharedConstant(data, shape);
  }
  frame(body: (ops: Ops) => Tensor): Tensor {
    const { recompute = false, derived, addedLossWeight } = this.#options;
    if (!recompute) return body(this);
    using inner = new EagerOps(this.kernel, { derived, states: this, shared: this });
    const y = inner.keep(body(inner));
    return this.result(y, [...this.#tracked], (dy) => {
      using again = new Tape(this.kernel, this.#tracked, { derived, addedLossWeight });
      again.#outer = this;
      for (const [x, dx] of again.#collect(body(again), dy)) this.#addOrFree(x, dx);
    });
  }
  /** Nothing is freed before `backward`, which needs it. */
  free(): void {}

  /** Adds `weight` times `addedLossWeight` times a loss [1] to the loss that `backward` differentiates. */
  addLoss(loss: Tensor, weight = 1): void {
    this.#addWeighted(loss, weight * (this.#options.addedLossWeight ?? 1));
  }

  /** Hands a result over to the caller: it outlives the tape, and `backward` does not free it. */
  keep(x: Tensor): Tensor {
    this.#kept.add(x);
    return this.#scope.release(x);
  }

  /**
   * Returns the gradients, for the tracked tensors that it depends on, of the sum of the added losses and of `sum(y * dy)`;
   * they are the caller's. Then writes the states that the forward pass advanced.
   *
   * @param y a loss [1], or any result; default: only the added losses
   * @param dy the gradient that arrives at `y`: a weight of a loss, or a tensor in the shape of `y`. Default 1
   * @throws MambaError `INPUT` when `dy` is a number and `y` is not [1]; `TAPE` when neither `y` nor an added loss is a
   * result of this tape that depends on a tracked tensor, and when `backward` has already run
   */
  backward(y?: Tensor, dy: LossGradient = 1): Map<Tensor, Tensor> {
    this.#checkStart(y);
    this.#used = true;
    const gradients = this.#collect(y, dy);
    for (const { state, next } of this.#states) this.kernel.copyInto(state, next);
    return gradients;
  }

  /** Frees what the tape recorded. Gradients that `backward` returned stay the caller's. */
  dispose(): void {
    this.#used = true;
    this.#scope.dispose();
    this.#gradients.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  recorder(inputs: readonly (Tensor | undefined)[]): TrainingKernel | undefined {
    return inputs.some((x) => x && this.#tracked.has(x)) ? this.kernel : undefined;
  }
  result(
    y: Tensor,
    inputs: readonly (Tensor | undefined)[],
    backward: (dy: Tensor, sink: GradientSink) => void,
  ): Tensor {
    return this.#recorded(y, inputs, () => {
      using dy = this.#takeGradient(y);
      if (dy) backward(dy, this.#sink);
    });
  }
  lossResult(
    loss: Tensor,
    inputs: readonly (Tensor | undefined)[],
    backward: (dLoss: LossGradient, sink: GradientSink) => void,
  ): Tensor {
    return this.#recorded(loss, inputs, () => {
      // A weight of the host alone needs no tensor.
      const weight = this.#gradients.has(loss) ? undefined : this.#losses.get(loss);
      if (weight !== undefined) {
        backward(weight, this.#sink);
        return;
      }
      using dLoss = this.#takeGradient(loss);
      if (dLoss) backward(dLoss, this.#sink);
    });
  }
  hold<T extends Tensor | Residual>(item: T): T {
    return this.#scope.use(item);
  }
  advance(state: Tensor, next: Tensor): void {
    this.#states.push({ state, next: this.hold(next) });
  }

  #addWeighted(loss: Tensor, weight: number): void {
    this.#losses.set(loss, (this.#losses.get(loss) ?? 0) + weight);
  }

  #recorded(y: Tensor, inputs: readonly (Tensor | undefined)[], step: () => void): Tensor {
    this.#scope.use(y);
    if (!this.recorder(inputs)) return y;
    this.#tracked.add(y);
    this.#record.push(() => {
      step();
      if (!this.#kept.has(y)) this.#scope.release(y).dispose(); // only later ops read it, and those are done
    });
    return y;
  }

  /** Without these checks the gradients would silently be missing. */
  #checkStart(y: Tensor | undefined): void {
    if (this.#used)
      throw new MambaError(
        "TAPE",
        "backward: this tape has been used; a tape gives the gradients of one forward pass",
      );
    if (y ? this.#tracked.has(y) : [...this.#losses.keys()].some((loss) => this.#tracked.has(loss))) return;
    const [what, remedy] = y
      ? ["the loss", "compute it with the methods of the tape, not with those of the kernel"]
      : ["no added loss", "add one with addLoss, or give backward a loss"];
    const problem = y ? "is not a result of this tape that depends" : "is a result of this tape that depends";
    throw new MambaError("TAPE", `backward: ${what} ${problem} on a tracked tensor; ${remedy}`);
  }

  #collect(y: Tensor | undefined, dy: LossGradient): Map<Tensor, Tensor> {
    if (y && typeof dy === "number") this.#addWeighted(y, dy);
    else if (y && typeof dy === "object") this.#addOrFree(y, this.kernel.scale(dy, 1));
    for (const loss of this.#losses.keys()) checkLoss(loss);
    for (const step of this.#record.reverse()) step();
    return this.#gradients.takeAll();
  }

  /** The gradient of a result, its weight as a loss included. */
  #takeGradient(y: Tensor): Tensor | undefined {
    const weight = this.#losses.get(y);
    if (weight !== undefined) this.#gradients.add(y, this.kernel.upload(Float32Array.of(weight), [1], "f32"));
    return this.#gradients.take(y);
  }

  /** Adds a gradient, which it takes ownership of, to that of `x`; frees it when `x` is not tracked. */
  #addOrFree(x: Tensor, gradient: Tensor): void {
    if (this.#tracked.has(x)) this.#gradients.add(x, gradient);
    else gradient.dispose();
  }
}

function checkLoss({ shape }: Tensor): void {
  if (shape.length === 1 && shape[0] === 1) return;
  throw new MambaError("INPUT", `backward: a loss must be [1], got [${shape.join(", ")}]`);
}
