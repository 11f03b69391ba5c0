import { checkColumns, checkReshape } from "./checks.ts";
import { DeviceTensor, type SharedMemory } from "./device-tensor.ts";
import type { DType, Shape } from "./dtype.ts";
import { KernelError } from "./errors.ts";
import { isDense, type Tensor } from "./tensor.ts";

/**
 * What backends have in common behind their ops: which tensors are theirs, how many handles are on which memory, what
 * becomes of an op's results when it fails half-way, and whether the kernel is still open. A backend extends it with its
 * memory and its way to run something.
 */
export abstract class TensorOwner<S extends SharedMemory, T extends DeviceTensor<S>> {
  /** Results and temporaries of the op being called. */
  readonly #results: T[] = [];
  #tensors = 0;
  #bytes = 0;
  #failure: KernelError | undefined;

  /** Makes the handle; counting is done here. */
  protected abstract handle(storage: S, dtype: DType, shape: Shape, rowStride: number, offset: number): T;

  /** Takes memory back that no tensor is on any more. */
  protected abstract free(storage: S): void;

  /** Live handles, and the bytes behind them: what `KernelMemory.memory` says. */
  get memory(): { readonly tensors: number; readonly bytes: number } {
    return { tensors: this.#tensors, bytes: this.#bytes };
  }

  /** Every later call fails like this. */
  close(failure: KernelError): void {
    this.#failure ??= failure;
  }

  /** Why the kernel is gone, if it is. */
  get failure(): KernelError | undefined {
    return this.#failure;
  }

  /** The first thing that each op calls after its argument checks. @throws KernelError `DISPOSED` or `DEVICE_LOST` */
  checkOpen(op: string): void {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
    // What the last op made is the caller's.
    this.#results.length = 0;
  }

  /** The tensor as one of ours. @throws KernelError `FOREIGN_TENSOR` */
  own(op: string, name: string, tensor: Tensor): T {
    if (tensor instanceof DeviceTensor && tensor.owner === this) return tensor as T;
    this.dropResults();
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }

  /** As `own`, for arguments that may be absent. */
  ownIf(op: string, name: string, tensor: Tensor | undefined): T | undefined {
    return tensor === undefined ? undefined : this.own(op, name, tensor);
  }

  /** Another handle on the memory of `x`. */
  view(x: T, shape: Shape, rowStride: number, offset: number): T {
    return this.#counted(x.storage, x.dtype, shape, rowStride, offset);
  }

  /** `KernelMemory.columns`, checks included. */
  columns(x: Tensor, start: number, count: number): T {
    checkColumns(x, start, count);
    this.checkOpen("columns");
    const own = this.own("columns", "x", x);
    return this.view(own, [...x.shape.slice(0, -1), count], x.rowStride, own.offset + start);
  }

  /** `KernelMemory.reshape`, checks included. */
  reshape(x: Tensor, shape: Shape): T {
    checkReshape(x, shape);
    this.checkOpen("reshape");
    const own = this.own("reshape", "x", x);
    const rowStride = isDense(x) ? (shape[shape.length - 1] as number) : x.rowStride;
    return this.view(own, [...shape], rowStride, own.offset);
  }

  /** One handle on `storage` is gone. */
  release(storage: S): void {
    if (!storage.hidden) this.#tensors--;
    if (--storage.handles > 0) return;
    if (!storage.hidden) this.#bytes -= storage.bytes;
    this.free(storage);
  }

  /** The dense tensor that is all of `storage`, new memory without a handle. */
  protected adopt(storage: S, dtype: DType, shape: Shape): T {
    if (!storage.hidden) this.#bytes += storage.bytes;
    return this.#counted(storage, dtype, shape, shape[shape.length - 1] ?? 0, 0);
  }

  /** Notes what the op being called makes: a result, or a temporary that it disposes before it returns. */
  protected keepResult(tensor: T): T {
    this.#results.push(tensor);
    return tensor;
  }

  /** Gives up what the op being called has made: it fails. */
  protected dropResults(): void {
    for (const tensor of this.#results) tensor.dispose();
    this.#results.length = 0;
  }

  #counted(storage: S, dtype: DType, shape: Shape, rowStride: number, offset: number): T {
    storage.handles++;
    if (!storage.hidden) this.#tensors++;
    return this.handle(storage, dtype, shape, rowStride, offset);
  }
}
