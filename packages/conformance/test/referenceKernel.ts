import {
  type Capabilities,
  checkAllocation,
  checkArgmax,
  checkBinary,
  checkCausalConv1d,
  checkCausalConv1dStep,
  checkColumns,
  checkCopyInto,
  checkEmbedding,
  checkFlip,
  checkGatherRows,
  checkLinear,
  checkRepetitionPenalty,
  checkReshape,
  checkRmsNorm,
  checkSample,
  checkScale,
  checkSelectiveScan,
  checkSelectiveStateUpdate,
  checkUnary,
  checkUpload,
  checkWrite,
  type ConvArgs,
  type ConvStepArgs,
  type DType,
  type FloatDType,
  type HostArray,
  type Kernel,
  KernelError,
  type SampleOptions,
  type ScanArgs,
  type Shape,
  type StateUpdateArgs,
  type Tensor,
  toFloat32,
} from "@mamba/kernel";
import * as reference from "../src/reference/index.ts";
import { Arena, ArenaTensor } from "./arena.ts";

type Values = Float32Array | Int32Array;

/** The interface over the float64 loops: what the suite is tested with. Everything happens at once, on one thread. */
export class ReferenceKernel implements Kernel {
  readonly name: string = "reference";
  readonly capabilities: Capabilities = {
    device: "float64 loops",
    storage: new Set<DType>(["f32", "i32", "f16", "bf16"]),
    training: false,
    deterministic: true,
    maxTensorBytes: 16 * 1024 * 1024,
  };
  readonly lost = new Promise<KernelError>(() => undefined);
  protected readonly arena = new Arena();
  #closed = false;

  supports(_op: string, dtype: DType): boolean {
    return this.capabilities.storage.has(dtype);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  protected guard(op: string): void {
    if (this.#closed) throw new KernelError("DISPOSED", `${op}: the kernel was disposed`);
  }

  /** The tensor as this kernel's own. */
  protected own(op: string, tensor: Tensor): ArenaTensor {
    if (tensor instanceof ArenaTensor && tensor.arena === this.arena) return tensor;
    throw new KernelError("FOREIGN_TENSOR", `${op}: a tensor belongs to another kernel`);
  }

  /** Dense values, widened to float32. */
  protected values(op: string, tensor: Tensor): Values;
  protected values(op: string, tensor: Tensor | undefined): Values | undefined;
  protected values(op: string, tensor: Tensor | undefined): Values | undefined {
    if (tensor === undefined) return undefined;
    const data = this.own(op, tensor).dense();
    return data instanceof Int32Array ? data : toFloat32(data, tensor.dtype as FloatDType);
  }

  protected result(shape: Shape, data: ArrayLike<number>, dtype: "f32" | "i32" = "f32"): ArenaTensor {
    const tensor = ArenaTensor.of(this.arena, dtype, shape);
    tensor.elements.set(data);
    return tensor;
  }

  upload(data: HostArray, shape: Shape, dtype: DType): Tensor {
    this.guard("upload");
    checkAllocation("upload", shape, dtype, this.capabilities.storage, this.capabilities.maxTensorBytes);
    checkUpload(data, shape, dtype);
    const tensor = ArenaTensor.of(this.arena, dtype, shape);
    tensor.elements.set(data);
    return tensor;
  }

  zeros(shape: Shape, dtype: DType): Tensor {
    this.guard("zeros");
    checkAllocation("zeros", shape, dtype, this.capabilities.storage, this.capabilities.maxTensorBytes);
    const tensor = ArenaTensor.of(this.arena, dtype, shape);
    tensor.elements.fill(0, 0, tensor.dense().length);
    return tensor;
  }

  write(target: Tensor, start: number, data: HostArray): void {
    this.guard("write");
    checkWrite(target, start, data);
    this.own("write", target).elements.set(data, start);
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    this.guard("columns");
    checkColumns(x, start, count);
    const own = this.own("columns", x);
    return own.view([...x.shape.slice(0, -1), count], x.rowStride, own.start + start);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    this.guard("reshape");
    checkReshape(x, shape);
    const own = this.own("reshape", x);
    const last = shape[shape.length - 1] as number;
    return own.view(shape, last === x.shape[x.shape.length - 1] ? x.rowStride : last, own.start);
  }

  gatherRows(x: Tensor, rows: readonly number[]): Tensor {
    this.guard("gatherRows");
    checkGatherRows(x, rows);
    const data = this.own("gatherRows", x).dense();
    const size = data.length / (x.shape[0] as number);
    const tensor = ArenaTensor.of(this.arena, x.dtype, [rows.length, ...x.shape.slice(1)]);
    rows.forEach((row, i) => {
      tensor.elements.set(data.subarray(row * size, (row + 1) * size), i * size);
    });
    return tensor;
  }

  copyInto(target: Tensor, source: Tensor): void {
    this.guard("copyInto");
    checkCopyInto(target, source);
    this.own("copyInto", target).elements.set(this.own("copyInto", source).dense());
  }

  async read(...tensors: Tensor[]): Promise<HostArray[]> {
    this.guard("read");
    const gone = tensors.find((tensor) => tensor.disposed);
    if (gone) throw new KernelError("DISPOSED", "read: a tensor was disposed before this call");
    return Promise.resolve(tensors.map((tensor) => this.own("read", tensor).dense()));
  }

  async sync(): Promise<void> {
    this.guard("sync");
    return Promise.resolve();
  }

  memory(): { tensors: number; bytes: number } {
    return { tensors: this.arena.tensors, bytes: this.arena.bytes };
  }

  add(a: Tensor, b: Tensor): Tensor {
    this.guard("add");
    checkBinary("add", a, b);
    return this.result(a.shape, reference.add(this.values("add", a), this.values("add", b)));
  }

  mul(a: Tensor, b: Tensor): Tensor {
    this.guard("mul");
    checkBinary("mul", a, b);
    return this.result(a.shape, reference.mul(this.values("mul", a), this.values("mul", b)));
  }

  scale(x: Tensor, factor: number): Tensor {
    this.guard("scale");
    checkScale(x, factor);
    return this.result(x.shape, reference.scale(this.values("scale", x), factor));
  }

  silu(x: Tensor): Tensor {
    this.guard("silu");
    checkUnary("silu", x);
    return this.result(x.shape, reference.silu(this.values("silu", x)));
  }

  negExp(x: Tensor): Tensor {
    this.guard("negExp");
    checkUnary("negExp", x);
    return this.result(x.shape, reference.negExp(this.values("negExp", x)));
  }

  flip(x: Tensor): Tensor {
    this.guard("flip");
    const { batch, length, channels } = checkFlip(x);
    return this.result(x.shape, reference.flip(batch, length, channels, this.values("flip", x)));
  }

  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    this.guard("linear");
    const { rows, inFeatures, outFeatures, shape } = checkLinear(x, weight, bias);
    const [a, w, b] = [this.values("linear", x), this.values("linear", weight), this.values("linear", bias)];
    return this.result(shape, reference.linear(rows, inFeatures, outFeatures, a, w, b));
  }

  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
    this.guard("rmsNorm");
    const { rows, features } = checkRmsNorm(x, weight, eps);
    const [a, w] = [this.values("rmsNorm", x), this.values("rmsNorm", weight)];
    return this.result(x.shape, reference.rmsNorm(rows, features, a, w, eps));
  }

  embedding(ids: Tensor, weight: Tensor): Tensor {
    this.guard("embedding");
    const { vocabSize, features, shape } = checkEmbedding(ids, weight);
    const [i, w] = [this.values("embedding", ids), this.values("embedding", weight)];
    return this.result(shape, reference.embedding(vocabSize, features, i, w));
  }

  causalConv1d(args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState: Tensor } {
    this.guard("causalConv1d");
    const { batch, length, channels, width } = checkCausalConv1d(args);
    const values = this.convValues("causalConv1d", args);
    const { y, finalState } = reference.causalConv1d(batch, length, channels, width, values);
    const state = () => this.result([batch, channels, width - 1], finalState);
    return this.#both(this.result(args.x.shape, y), want, state);
  }

  protected convValues(op: string, args: ConvArgs) {
    return {
      x: this.values(op, args.x),
      weight: this.values(op, args.weight),
      bias: this.values(op, args.bias),
      activation: args.activation,
      initialState: this.values(op, args.initialState),
      range: this.values(op, args.range),
    };
  }

  /** The overloads promise `finalState` only to who asked for it. */
  #both(
    y: Tensor,
    want: { finalState: true } | undefined,
    state: () => Tensor,
  ): { y: Tensor; finalState: Tensor } {
    return (want ? { y, finalState: state() } : { y }) as { y: Tensor; finalState: Tensor };
  }

  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor {
    this.guard("causalConv1dStep");
    const { batch, channels, width } = checkCausalConv1dStep(state, args);
    const after = reference.causalConv1dStep(batch, channels, width, this.values("causalConv1dStep", state), {
      x: this.values("causalConv1dStep", args.x),
      weight: this.values("causalConv1dStep", args.weight),
      bias: this.values("causalConv1dStep", args.bias),
      activation: args.activation,
    });
    this.own("causalConv1dStep", state).elements.set(after.state);
    return this.result(args.x.shape, after.y);
  }

  selectiveScan(args: ScanArgs, want?: { finalState: true }): { y: Tensor; finalState: Tensor } {
    this.guard("selectiveScan");
    const { batch, length, channels, stateSize } = checkSelectiveScan(args);
    const { y, finalState } = reference.selectiveScan(batch, length, channels, stateSize, {
      ...this.scanValues("selectiveScan", args),
      initialState: this.values("selectiveScan", args.initialState),
      range: this.values("selectiveScan", args.range),
    });
    const state = () => this.result([batch, channels, stateSize], finalState);
    return this.#both(this.result(args.u.shape, y), want, state);
  }

  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor {
    const op = "selectiveStateUpdate";
    this.guard(op);
    const { batch, channels, stateSize } = checkSelectiveStateUpdate(state, args);
    const values = this.scanValues(op, args);
    const after = reference.selectiveStateUpdate(batch, channels, stateSize, this.values(op, state), values);
    this.own(op, state).elements.set(after.state);
    return this.result(args.u.shape, after.y);
  }

  protected scanValues(op: string, args: StateUpdateArgs) {
    return {
      u: this.values(op, args.u),
      delta: this.values(op, args.delta),
      A: this.values(op, args.A),
      B: this.values(op, args.B),
      C: this.values(op, args.C),
      D: this.values(op, args.D),
      z: this.values(op, args.z),
      deltaBias: this.values(op, args.deltaBias),
      deltaSoftplus: args.deltaSoftplus,
    };
  }

  argmax(logits: Tensor): Tensor {
    this.guard("argmax");
    const { batch, vocabSize } = checkArgmax(logits);
    return this.result([batch], reference.argmax(batch, vocabSize, this.values("argmax", logits)), "i32");
  }

  sample(logits: Tensor, options: SampleOptions): Tensor {
    this.guard("sample");
    const { batch, vocabSize } = checkSample(logits, options);
    const ids = reference.sample(batch, vocabSize, this.values("sample", logits), options);
    return this.result([batch], ids, "i32");
  }

  repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number): Tensor {
    this.guard("repetitionPenalty");
    const { batch, vocabSize, idCount } = checkRepetitionPenalty(logits, ids, penalty);
    const [l, i] = [this.values("repetitionPenalty", logits), this.values("repetitionPenalty", ids)];
    const y = reference.repetitionPenalty(batch, vocabSize, idCount, l, i, penalty);
    return this.result(logits.shape, y);
  }
}
