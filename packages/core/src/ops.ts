import type {
  ConvArgs,
  ConvStepArgs,
  InferenceOps,
  Kernel,
  KernelMemory,
  ScanArgs,
  StateUpdateArgs,
  Tensor,
} from "@mamba/kernel";
import { Scope } from "@mamba/kernel";

type Borrowed =
  | Pick<KernelMemory, "columns" | "reshape" | "gatherRows">
  | Pick<
      InferenceOps,
      "add" | "mul" | "scale" | "silu" | "flip" | "negExp" | "linear" | "rmsNorm" | "embedding"
    >
  | Pick<InferenceOps, "causalConv1dStep" | "selectiveStateUpdate">;

type UnionToIntersection<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void
  ? I
  : never;

/**
 * What layers compute with. The layers are written once against this: here results are freed when their frame ends;
 * a gradient tape can record the same calls instead.
 */
export type Ops = UnionToIntersection<Borrowed> & {
  /** Whether calls are recorded: then nothing that depends on a parameter may be taken from a store. */
  readonly recording: boolean;
  /** The convolution; with `want`, also the state after the last input. */
  causalConv1d(args: ConvArgs, want: boolean): { y: Tensor; finalState?: Tensor };
  /** The scan; with `want`, also the state after the last input. */
  selectiveScan(args: ScanArgs, want: boolean): { y: Tensor; finalState?: Tensor };
  /** Integers from the host. */
  constant(data: Int32Array, shape: readonly number[]): Tensor;
  /** Copies a result over a tensor that outlives the frame. */
  copyInto(target: Tensor, source: Tensor): void;
  /** Runs `body` and keeps of its results only what it returns. */
  frame(body: (ops: Ops) => Tensor): Tensor;
  /** Says that a result is not needed any more. */
  free(x: Tensor): void;
};

/** Runs ops at once and frees their results: inference. */
export class EagerOps implements Ops, Disposable {
  readonly recording = false;
  readonly #kernel: Kernel;
  readonly #writer: Pick<Ops, "copyInto">;
  readonly #scope = new Scope();

  /** @param writer does the writes to tensors that outlive the frame; default the kernel, at once */
  constructor(kernel: Kernel, writer: Pick<Ops, "copyInto"> = kernel) {
    this.#kernel = kernel;
    this.#writer = writer;
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    return this.#scope.use(this.#kernel.columns(x, start, count));
  }
  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.#scope.use(this.#kernel.reshape(x, shape));
  }
  gatherRows(x: Tensor, rows: readonly number[]): Tensor {
    return this.#scope.use(this.#kernel.gatherRows(x, rows));
  }
  add(a: Tensor, b: Tensor): Tensor {
    return this.#scope.use(this.#kernel.add(a, b));
  }
  mul(a: Tensor, b: Tensor): Tensor {
    return this.#scope.use(this.#kernel.mul(a, b));
  }
  scale(x: Tensor, factor: number): Tensor {
    return this.#scope.use(this.#kernel.scale(x, factor));
  }
  silu(x: Tensor): Tensor {
    return this.#scope.use(this.#kernel.silu(x));
  }
  flip(x: Tensor): Tensor {
    return this.#scope.use(this.#kernel.flip(x));
  }
  negExp(x: Tensor): Tensor {
    return this.#scope.use(this.#kernel.negExp(x));
  }
  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    return this.#scope.use(this.#kernel.linear(x, weight, bias));
  }
  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
    return this.#scope.use(this.#kernel.rmsNorm(x, weight, eps));
  }
  embedding(ids: Tensor, weight: Tensor): Tensor {
    return this.#scope.use(this.#kernel.embedding(ids, weight));
  }
  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor {
    return this.#scope.use(this.#kernel.causalConv1dStep(state, args));
  }
  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor {
    return this.#scope.use(this.#kernel.selectiveStateUpdate(state, args));
  }
  causalConv1d(args: ConvArgs, want: boolean): { y: Tensor; finalState?: Tensor } {
    return this.#useAll(
      want ? this.#kernel.causalConv1d(args, { finalState: true }) : this.#kernel.causalConv1d(args),
    );
  }
  selectiveScan(args: ScanArgs, want: boolean): { y: Tensor; finalState?: Tensor } {
    return this.#useAll(
      want ? this.#kernel.selectiveScan(args, { finalState: true }) : this.#kernel.selectiveScan(args),
    );
  }
  constant(data: Int32Array, shape: readonly number[]): Tensor {
    return this.#scope.use(this.#kernel.upload(data, shape, "i32"));
  }
  copyInto(target: Tensor, source: Tensor): void {
    this.#writer.copyInto(target, source);
  }
  frame(body: (ops: Ops) => Tensor): Tensor {
    using inner = new EagerOps(this.#kernel, this.#writer);
    return this.#scope.use(inner.keep(body(inner)));
  }
  free(x: Tensor): void {
    this.#scope.release(x).dispose();
  }
  /** Hands a result over to the caller: it outlives this object. */
  keep(x: Tensor): Tensor {
    return this.#scope.release(x);
  }
  [Symbol.dispose](): void {
    this.#scope.dispose();
  }
  #useAll<T extends { y: Tensor; finalState?: Tensor }>(result: T): T {
    this.#scope.use(result.y);
    if (result.finalState) this.#scope.use(result.finalState);
    return result;
  }
}
