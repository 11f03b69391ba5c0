import { checkColumns, checkReshape, checkRows } from "../checks/memory.ts";
import { rowCount } from "../checks/tensors.ts";
import { type DType, lastExtent, type Shape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { isDense, type Tensor } from "../tensor.ts";
import { DeviceTensor, type SharedMemory } from "./deviceTensor.ts";

/**
 * The tensors of one backend instance: counts the handles on each memory, recognises its own tensors, frees the results
 * of an op that fails half-way, and knows whether the kernel is open. A backend extends it with its memory and its way to
 * run code; the result is the `runtime` that its ops get.
 */
export abstract class TensorOwner<S extends SharedMemory, T extends DeviceTensor<S>> {
  /** Results and temporaries of the op that runs now. */
  readonly #results: T[] = [];
  #tensors = 0;
  #bytes = 0;
  #failure: KernelError | undefined;

  /** Creates a handle. The caller counts it. */
  protected abstract handle(storage: S, dtype: DType, shape: Shape, rowStride: number, offset: number): T;

  /** Frees memory after its last handle was disposed. */
  protected abstract free(storage: S): void;

  /** Live handles, and the bytes of the memory behind them: the result of `KernelMemory.memory`. */
  get memory(): { readonly tensors: number; readonly bytes: number } {
    return { tensors: this.#tensors, bytes: this.#bytes };
  }

  /** Makes every later call throw this failure. */
  close(failure: KernelError): void {
    this.#failure ??= failure;
  }

  /** The failure that closed the kernel, if it is closed. */
  get failure(): KernelError | undefined {
    return this.#failure;
  }

  /** Checks that the kernel is open. @throws KernelError `DISPOSED` or `DEVICE_LOST` */
  checkOpen(op: string): void {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
    // The results of the previous op belong to its caller now.
    if (this.#results.length > 0) this.#results.length = 0;
  }

  /** Returns the tensor as one of this owner. @throws KernelError `FOREIGN_TENSOR` */
  own(op: string, name: string, tensor: Tensor): T {
    if (tensor instanceof DeviceTensor && tensor.owner === this) return tensor as T;
    this.dropResults();
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }

  /** Creates another handle on the memory of `x`. */
  view(x: T, shape: Shape, rowStride: number, offset: number): T {
    return this.#counted(x.storage, x.dtype, shape, rowStride, offset);
  }

  /** `KernelMemory.columns`, with its checks. */
  columns(x: Tensor, start: number, count: number): T {
    checkColumns(x, start, count);
    this.checkOpen("columns");
    const own = this.own("columns", "x", x);
    return this.view(own, [...x.shape.slice(0, -1), count], x.rowStride, own.offset + start);
  }

  /** `KernelMemory.rows`, with its checks. */
  rows(x: Tensor, start: number, count: number): T {
    checkRows(x, start, count);
    this.checkOpen("rows");
    const own = this.own("rows", "x", x);
    const [rows = 1, ...rest] = x.shape;
    // The rows of a tensor with one axis are its elements.
    if (rest.length === 0)
      return this.view(own, [count], isDense(x) ? count : x.rowStride, own.offset + start);
    const apart = (rowCount(x) / rows) * x.rowStride;
    return this.view(own, [count, ...rest], x.rowStride, own.offset + start * apart);
  }

  /** `KernelMemory.reshape`, with its checks. */
  reshape(x: Tensor, shape: Shape): T {
    checkReshape(x, shape);
    this.checkOpen("reshape");
    const own = this.own("reshape", "x", x);
    const rowStride = isDense(x) ? lastExtent(shape) : x.rowStride;
    return this.view(own, [...shape], rowStride, own.offset);
  }

  /** Counts a disposed handle, and frees the memory after the last one. */
  release(storage: S): void {
    if (!storage.hidden) this.#tensors--;
    if (--storage.handles > 0) return;
    if (!storage.hidden) this.#bytes -= storage.bytes;
    this.free(storage);
  }

  /** Creates the first handle on new memory: a dense tensor that covers all of it. */
  protected adopt(storage: S, dtype: DType, shape: Shape): T {
    if (!storage.hidden) this.#bytes += storage.bytes;
    return this.#counted(storage, dtype, shape, lastExtent(shape), 0);
  }

  /** Records a tensor that the running op creates: a result, or a temporary that the op disposes before it returns. */
  protected keepResult(tensor: T): T {
    this.#results.push(tensor);
    return tensor;
  }

  /** Disposes all tensors that the running op created, because it fails. */
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
