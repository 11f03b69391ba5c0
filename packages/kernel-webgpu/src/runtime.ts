import { type DType, dtypeBytes, elementCount, KernelError, type Shape, type Tensor } from "@mamba/kernel";
import { type Binding, BindGroups } from "./bind-groups.ts";
import { Commands } from "./commands.ts";
import { Packs } from "./pack.ts";
import { type Pipeline, Pipelines } from "./pipelines.ts";
import { BufferPool } from "./pool.ts";
import type { Shader } from "./shader.ts";
import { type Storage, WebGpuTensor } from "./tensor.ts";
import { watched } from "./watch.ts";

/** Elements [start, start + count) of a dense tensor, for what is too large to be bound as a whole. */
export interface Slice {
  readonly tensor: WebGpuTensor;
  readonly start: number;
  readonly count: number;
}

/** What stands for a buffer of a shader: nothing where the argument is absent. */
export type Bound = WebGpuTensor | Slice | undefined;

/** What tests make small, to run what is for large tensors. */
export interface Tuning {
  readonly pieceBytes?: number;
}

/** What the ops stand on: tensors, shaders and the commands being recorded. */
export class Runtime {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly commands: Commands;
  readonly groups: BindGroups;
  readonly packs: Packs;
  /** The most of a tensor that one dispatch sees. */
  readonly maxBindingBytes: number;
  /** Larger tables are taken in pieces. */
  readonly pieceBytes: number;
  readonly pipelines: Pipelines;
  /** Stand in for absent tensors, one for each place in a shader: two that are written may not be the same. */
  readonly #absent: Binding[];
  /** Results and temporaries of the op being called, given up again when it fails half-way. */
  readonly #results: WebGpuTensor[] = [];
  readonly #bindings: Binding[] = [];
  #tensors = 0;
  #bytes = 0;
  #failure: KernelError | undefined;
  #fault: KernelError | undefined;

  constructor(device: GPUDevice, tuning: Tuning = {}) {
    this.device = device;
    this.maxBindingBytes = device.limits.maxStorageBufferBindingSize;
    // A piece starts up to 256 bytes before its first row.
    this.pieceBytes = tuning.pieceBytes ?? this.maxBindingBytes - 256;
    // What follows from an earlier fault is told as that one.
    const fault = (error: KernelError): KernelError => (this.#fault ??= error);
    this.pipelines = Pipelines.of(device);
    this.pool = new BufferPool(device, fault);
    this.commands = new Commands(device, this.pipelines.paramLayout, {
      submit: () => {
        this.pool.trim();
      },
      fault,
    });
    this.groups = new BindGroups(device);
    this.packs = new Packs(this);
    this.#absent = Array.from({ length: 8 }, () => {
      return { buffer: this.pool.take(256, "mamba: absent tensor"), offset: 0, size: 256 };
    });
  }

  /** Live handles, and the bytes behind them. */
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

  /** The first fault of enqueued work that nobody has heard of yet; asking is hearing. */
  takeFault(): KernelError | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /** The first thing each op calls after its argument checks. @throws KernelError `DISPOSED` or `DEVICE_LOST` */
  checkOpen(op: string): void {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
    this.#results.length = 0;
  }

  /** The tensor as one of ours. @throws KernelError `FOREIGN_TENSOR` */
  own(op: string, name: string, tensor: Tensor): WebGpuTensor {
    if (tensor instanceof WebGpuTensor && tensor.runtime === this) return tensor;
    this.#dropResults();
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }

  /** As `own`, for arguments that may be absent. */
  ownIf(op: string, name: string, tensor: Tensor | undefined): WebGpuTensor | undefined {
    return tensor === undefined ? undefined : this.own(op, name, tensor);
  }

  /**
   * A dense tensor with undefined content.
   *
   * @param idle whether the host writes to it next: that jumps the queue of recorded commands
   */
  allocate(op: string, shape: Shape, dtype: DType, idle = false): WebGpuTensor {
    const bytes = elementCount(shape) * dtypeBytes[dtype];
    const buffer = this.pool.take(bytes, `${op}: allocation`, idle ? this.commands.serial : undefined);
    this.#bytes += bytes;
    this.#tensors++;
    const storage: Storage = { buffer, bytes, handles: 1, counted: true, version: 0, fault: undefined };
    return new WebGpuTensor(this, storage, dtype, shape, shape[shape.length - 1] ?? 0, 0);
  }

  /** A tensor that is the kernel's own, not the caller's: `memory` does not count it. */
  hidden(op: string, words: number): WebGpuTensor {
    const buffer = this.pool.take(words * 4, `${op}: allocation`);
    buffer.touched = true;
    const storage: Storage = {
      buffer,
      bytes: words * 4,
      handles: 1,
      counted: false,
      version: 0,
      fault: undefined,
    };
    return new WebGpuTensor(this, storage, "f32", [words], words, 0);
  }

  /** As `allocate`, for what the op being called makes: a result, or a temporary that it disposes before it returns. */
  result(op: string, shape: Shape, dtype: DType = "f32"): WebGpuTensor {
    const tensor = this.allocate(op, shape, dtype);
    tensor.storage.buffer.touched = true;
    this.#results.push(tensor);
    return tensor;
  }

  /** Another handle on the memory of `x`. */
  view(x: WebGpuTensor, shape: Shape, rowStride: number, offset: number): WebGpuTensor {
    x.storage.handles++;
    this.#tensors++;
    return new WebGpuTensor(this, x.storage, x.dtype, shape, rowStride, offset);
  }

  /** One handle on `storage` is gone. */
  release(storage: Storage): void {
    if (storage.counted) this.#tensors--;
    if (--storage.handles > 0) return;
    if (storage.counted) this.#bytes -= storage.bytes;
    this.pool.give(storage.buffer);
    this.packs.forget(storage);
  }

  /**
   * Records one dispatch. Buffers and parameters go by the names that the shader gives them. A tensor that is both read
   * and written is read as it was before.
   *
   * @param groups workgroups, any number
   * @throws KernelError `OUT_OF_MEMORY` for what is too large to be bound, or the fault of the work that made an argument
   */
  run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, Bound>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    try {
      this.#run(op, shader, buffers, params, groups);
    } catch (error) {
      this.#dropResults();
      throw error;
    }
  }

  /** Gives all memory of the device back. */
  destroy(): void {
    this.pool.destroy();
    this.commands.destroy();
  }

  #run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, Bound>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    const { commands } = this;
    const pipeline = this.#pipeline(op, shader);
    const snapshots = this.#snapshots(op, shader, buffers);
    let at = commands.slot();
    const { words, floats } = commands;
    words[at++] = groups;
    const bindings = this.#bindings;
    bindings.length = 0;
    for (const name of shader.read) {
      at = this.#bind(op, name, buffers[name], at, snapshots?.get(name));
    }
    for (const name of shader.write) {
      const bound = buffers[name];
      at = this.#bind(op, name, bound, at, undefined);
      if (bound) commands.write(tensorOf(bound).storage);
    }
    for (const { name, float } of shader.params) {
      if (float) floats[at++] = params[name];
      else words[at++] = params[name];
    }
    const group = this.#group(op, shader, pipeline);
    commands.dispatch(op, pipeline.pipeline, group, groups);
  }

  /** Adds the binding of one buffer and writes its two parameters. */
  #bind(op: string, name: string, bound: Bound, at: number, snapshot: Binding | undefined): number {
    const { words } = this.commands;
    if (bound === undefined) {
      words[at] = words[at + 1] = 0;
      this.#bindings.push(this.#absent[this.#bindings.length] as Binding);
      return at + 2;
    }
    const tensor = tensorOf(bound);
    const { storage, dtype } = tensor;
    if (storage.fault) throw new KernelError(storage.fault.code, `${op}: ${name}: ${storage.fault.message}`);
    const size = dtypeBytes[dtype];
    // What is bound starts at a multiple of 256 bytes; the rest of the way is counted in elements.
    const from = bound === tensor ? 0 : (bound as Slice).start * size;
    const offset = Math.floor(from / 256) * 256;
    const end = bound === tensor ? storage.bytes : from + (bound as Slice).count * size;
    const bytes = Math.ceil((end - offset) / 4) * 4;
    if (bytes > this.maxBindingBytes) {
      const limit = this.maxBindingBytes;
      throw new KernelError(
        "OUT_OF_MEMORY",
        `${op}: ${name} takes ${bytes} bytes, this op on this device reaches ${limit}`,
      );
    }
    words[at] = tensor.offset + (from - offset) / size;
    words[at + 1] = tensor.rowStride;
    this.commands.use(storage.buffer);
    this.#bindings.push(snapshot ?? { buffer: storage.buffer, offset, size: bytes });
    return at + 2;
  }

  /** Copies of what would be read and written by one dispatch, which WebGPU does not allow. */
  #snapshots(
    op: string,
    shader: Shader,
    buffers: Readonly<Record<string, Bound>>,
  ): Map<string, Binding> | undefined {
    let copies: Map<string, Binding> | undefined;
    for (const target of shader.write) {
      const written = buffers[target];
      if (!written) continue;
      const { storage } = tensorOf(written);
      for (const name of shader.read) {
        const bound = buffers[name];
        if (!bound || tensorOf(bound).storage !== storage) continue;
        const size = Math.ceil(storage.bytes / 4) * 4;
        const buffer = this.pool.take(size, `${op}: copy of ${name}`);
        buffer.touched = true;
        this.commands.copy(op, storage.buffer, 0, buffer, 0, size);
        (copies ??= new Map()).set(name, { buffer, offset: 0, size });
      }
    }
    // Free again for whatever is recorded after this dispatch.
    for (const { buffer } of copies?.values() ?? []) this.pool.give(buffer);
    return copies;
  }

  #pipeline(op: string, shader: Shader): Pipeline {
    const known = this.pipelines.get(shader);
    if (known) {
      if (known.fault) throw new KernelError(known.fault.code, known.fault.message, { cause: known.fault });
      return known;
    }
    const made = watched(this.device, `${op}: shader ${shader.name}`, () => this.pipelines.compile(shader));
    void made.outcome.then((error) => {
      if (error) this.#fault ??= made.value.fault = error;
    });
    return made.value;
  }

  #group(op: string, shader: Shader, pipeline: Pipeline): GPUBindGroup {
    const key = this.groups.key(pipeline, this.#bindings);
    const known = this.groups.get(key);
    if (known) return known;
    const what = `${op}: shader ${shader.name}`;
    const made = watched(this.device, what, () => this.groups.make(key, pipeline, what, this.#bindings));
    void made.outcome.then((error) => {
      if (error) this.#fault ??= error;
    });
    return made.value;
  }

  #dropResults(): void {
    for (const tensor of this.#results) tensor.dispose();
    this.#results.length = 0;
  }
}

function tensorOf(bound: WebGpuTensor | Slice): WebGpuTensor {
  return bound instanceof WebGpuTensor ? bound : bound.tensor;
}
