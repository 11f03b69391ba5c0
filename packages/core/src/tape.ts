import {
  type ConvArgs,
  elementCount,
  Scope,
  type ScanArgs,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";
import { MambaError } from "./errors.ts";
import { Gradients } from "./gradients.ts";
import { EagerOps, type Ops } from "./ops.ts";

/** How a tape records. */
export interface TapeOptions {
  /**
   * Keep only the input of each frame (each layer of a stack) and run the frame again in the backward pass: memory for
   * one layer's intermediates instead of all of them, for one more forward (Chen et al. 2016). Default false.
   */
  readonly checkpoint?: boolean | undefined;
}

/**
 * Reverse-mode differentiation over `Ops`: layers run as they do for inference, every call that depends on a tracked
 * tensor is recorded, and `backward` walks the record from its end. Single use: one forward, one `backward`, dispose.
 * Results belong to the tape; `backward` frees them as it goes.
 *
 * Caches that a layer advances are written after `backward`, since the backward pass needs what they held before; no
 * gradient flows into a cache (truncated backpropagation through time).
 */
export class Tape implements Ops, Disposable {
  readonly recording = true;
  readonly #kernel: TrainingKernel;
  readonly #checkpoint: boolean;
  readonly #scope = new Scope();
  readonly #gradients: Gradients;
  /** What gradients are wanted for, and everything computed from it. */
  readonly #tracked: Set<Tensor>;
  /** In call order: how each op passes the gradient of its result on. */
  readonly #record: (() => void)[] = [];
  /** Writes to caches that wait for the end of `backward`. */
  readonly #copies: { target: Tensor; source: Tensor }[] = [];

  /** @param tracked what gradients are wanted for, mostly parameters */
  constructor(kernel: TrainingKernel, tracked: Iterable<Tensor>, { checkpoint = false }: TapeOptions = {}) {
    this.#kernel = kernel;
    this.#checkpoint = checkpoint;
    this.#gradients = new Gradients(kernel);
    this.#tracked = new Set(tracked);
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    return this.#run([x], this.#kernel.columns(x, start, count), (dy) => {
      this.#gradients.addColumns(x, dy, start, count);
    });
  }
  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.#run([x], this.#kernel.reshape(x, shape), (dy) => {
      this.#give(x, this.#kernel.reshape(dy, x.shape));
    });
  }
  gatherRows(x: Tensor, rows: readonly number[]): Tensor {
    return this.#run([x], this.#kernel.gatherRows(x, rows), (dy) => {
      const count = x.shape[0] as number;
      using ids = this.#kernel.upload(Int32Array.from(rows), [rows.length], "i32");
      using flat = this.#kernel.reshape(dy, [rows.length, elementCount(x.shape) / count]);
      using dx = this.#kernel.embeddingBackward(flat, ids, count);
      this.#give(x, this.#kernel.reshape(dx, x.shape));
    });
  }
  add(a: Tensor, b: Tensor): Tensor {
    return this.#run([a, b], this.#kernel.add(a, b), (dy) => {
      this.#give(a, this.#kernel.scale(dy, 1)); // a copy: the two gradients grow apart
      this.#give(b, this.#kernel.reshape(dy, dy.shape));
    });
  }
  mul(a: Tensor, b: Tensor): Tensor {
    return this.#run([a, b], this.#kernel.mul(a, b), (dy) => {
      this.#give(a, this.#kernel.mul(dy, b));
      this.#give(b, this.#kernel.mul(dy, a));
    });
  }
  scale(x: Tensor, factor: number): Tensor {
    return this.#run([x], this.#kernel.scale(x, factor), (dy) => {
      this.#give(x, this.#kernel.scale(dy, factor));
    });
  }
  silu(x: Tensor): Tensor {
    return this.#run([x], this.#kernel.silu(x), (dy) => {
      this.#give(x, this.#kernel.siluBackward(dy, x));
    });
  }
  flip(x: Tensor): Tensor {
    return this.#run([x], this.#kernel.flip(x), (dy) => {
      this.#give(x, this.#kernel.flip(dy));
    });
  }
  negExp(x: Tensor): Tensor {
    const y = this.#kernel.negExp(x);
    return this.#run([x], y, (dy) => {
      this.#give(x, this.#kernel.mul(dy, y)); // (-e^x)' = -e^x
    });
  }
  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    return this.#run([x, weight, bias], this.#kernel.linear(x, weight, bias), (dy) => {
      if (this.#tracked.has(x)) this.#give(x, this.#kernel.linearBackwardInput(dy, weight));
      if (this.#tracked.has(weight)) this.#give(weight, this.#kernel.linearBackwardWeight(dy, x));
      if (bias && this.#tracked.has(bias)) this.#give(bias, this.#kernel.sumRows(dy));
    });
  }
  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
    return this.#run([x, weight], this.#kernel.rmsNorm(x, weight, eps), (dy) => {
      const { dx, dWeight } = this.#kernel.rmsNormBackward(dy, x, weight, eps);
      this.#give(x, dx);
      if (weight && dWeight) this.#give(weight, dWeight);
    });
  }
  embedding(ids: Tensor, weight: Tensor): Tensor {
    return this.#run([weight], this.#kernel.embedding(ids, weight), (dy) => {
      this.#give(weight, this.#kernel.embeddingBackward(dy, ids, weight.shape[0] as number));
    });
  }
  causalConv1d(args: ConvArgs, want: boolean): { y: Tensor; finalState?: Tensor } {
    const result = want
      ? this.#kernel.causalConv1d(args, { finalState: true })
      : this.#kernel.causalConv1d(args);
    return this.#sequence(args, result, (dy) => this.#kernel.causalConv1dBackward(dy, args));
  }
  selectiveScan(args: ScanArgs, _want: boolean): { y: Tensor; finalState?: Tensor } {
    const { y, finalState, residual } = this.#kernel.selectiveScanForward(args);
    this.#scope.use(residual);
    return this.#sequence(args, { y, finalState }, (dy) => {
      const gradients = this.#kernel.selectiveScanBackward(dy, args, residual);
      this.#scope.release(residual).dispose();
      return gradients;
    });
  }
  causalConv1dStep(): never {
    throw noStep();
  }
  selectiveStateUpdate(): never {
    throw noStep();
  }

  constant(data: Int32Array, shape: readonly number[]): Tensor {
    return this.#scope.use(this.#kernel.upload(data, shape, "i32"));
  }
  copyInto(target: Tensor, source: Tensor): void {
    // Another handle on the source: the caller's may end before `backward` does.
    this.#copies.push({ target, source: this.#scope.use(this.#kernel.reshape(source, source.shape)) });
  }

  frame(body: (ops: Ops) => Tensor): Tensor {
    if (!this.#checkpoint) return body(this);
    using inner = new EagerOps(this.#kernel, this);
    const y = inner.keep(body(inner));
    return this.#run([...this.#tracked], y, (dy) => {
      using again = new Tape(this.#kernel, this.#tracked);
      for (const [x, dx] of again.#collect(body(again), dy)) this.#give(x, dx);
    });
  }

  /** Nothing is freed before `backward`, which needs it. */
  free(): void {}

  /**
   * The gradients of `sum(y * dy)` for the tracked tensors that y depends on; they are the caller's. Then writes the
   * caches that the forward pass advanced.
   *
   * @param dy the gradient that comes in, in the shape of y
   */
  backward(y: Tensor, dy: Tensor): Map<Tensor, Tensor> {
    const gradients = this.#collect(y, dy);
    for (const { target, source } of this.#copies) this.#kernel.copyInto(target, source);
    return gradients;
  }

  [Symbol.dispose](): void {
    this.#scope.dispose();
    this.#gradients.dispose();
  }

  #collect(y: Tensor, dy: Tensor): Map<Tensor, Tensor> {
    this.#give(y, this.#kernel.scale(dy, 1));
    for (const step of this.#record.reverse()) step();
    return this.#gradients.takeAll();
  }

  /** Takes ownership of a result, and records how its gradient goes on when it depends on something tracked. */
  #run(inputs: readonly (Tensor | undefined)[], y: Tensor, backward: (dy: Tensor) => void): Tensor {
    this.#scope.use(y);
    if (!inputs.some((x) => x !== undefined && this.#tracked.has(x))) return y;
    this.#tracked.add(y);
    this.#record.push(() => {
      using dy = this.#gradients.take(y);
      if (dy) backward(dy);
      this.#scope.release(y).dispose(); // only later ops read it, and those are done
    });
    return y;
  }

  /** `run` for the ops over sequences. Their final states go to caches, and no gradient comes back from there. */
  #sequence<A extends ConvArgs | ScanArgs>(
    args: A,
    { y, finalState }: { y: Tensor; finalState?: Tensor },
    backward: (dy: Tensor) => Partial<Record<keyof A, Tensor | undefined>>,
  ): { y: Tensor; finalState?: Tensor } {
    if (finalState) this.#scope.use(finalState);
    const tensors = Object.values(args).filter((value): value is Tensor => typeof value === "object");
    this.#run(tensors, y, (dy) => {
      for (const [name, gradient] of Object.entries<Tensor | undefined>(backward(dy))) {
        if (gradient) this.#give(args[name as keyof A] as Tensor, gradient);
      }
    });
    return finalState ? { y, finalState } : { y };
  }

  /** Adds a gradient, which it takes ownership of, to that of `x`; drops it when `x` is not tracked. */
  #give(x: Tensor, gradient: Tensor): void {
    if (this.#tracked.has(x)) this.#gradients.give(x, gradient);
    else gradient.dispose();
  }
}

function noStep(): MambaError {
  return new MambaError("NO_STEP", "a tape records sequences, not single steps: call forward");
}
