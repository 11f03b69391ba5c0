import { formats, isQuantized, KernelError, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { withErrorScopes } from "../device/errorScopes.ts";
import type { BufferPool } from "../memory/bufferPool.ts";
import { type Storage, storageError, WebGpuTensor } from "../memory/tensor.ts";
import { storedBytes, storedOffset } from "../quantized/layouts.ts";
import type { Shader } from "../shader.ts";
import type { BindGroups, Binding } from "./bindGroups.ts";
import type { Commands } from "./commands.ts";
import type { Pipeline, Pipelines } from "./pipelines.ts";

/** Elements [start, start + count) of a dense tensor, counted from its first: a chunk of a tensor that is too large for one binding. */
export interface TensorChunk {
  readonly tensor: WebGpuTensor;
  readonly start: number;
  readonly count: number;
  /** Bytes that a dispatch reads, when it reads fewer than all. For profiles only. */
  readonly bytesRead?: number;
}

/** The argument for one buffer of a shader: undefined when it is absent. */
export type BufferArgument = WebGpuTensor | TensorChunk | undefined;

/** The members of `Runtime` that a dispatch needs. */
export interface DispatchResources {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly commands: Commands;
  readonly bindGroups: BindGroups;
  readonly pipelines: Pipelines;
}

/** Turns tensors and numbers into bindings and parameters, and records a dispatch. */
export class Dispatcher {
  readonly #resources: DispatchResources;
  readonly #device: GPUDevice;
  readonly #maxBindingBytes: number;
  readonly #onError: (error: KernelError) => KernelError;
  /** Bound in the place of absent tensors. One per binding: WebGPU does not allow one buffer in two written bindings. */
  readonly #absent: Binding[];
  readonly #bindings: Binding[] = [];
  /** Bytes that the dispatch being recorded reads and writes. */
  #bytes = 0;

  /** @param onError is called with the error of a shader or a bind group that the device refuses, and returns the one to report */
  constructor(resources: DispatchResources, onError: (error: KernelError) => KernelError) {
    this.#resources = resources;
    this.#device = resources.device;
    this.#maxBindingBytes = this.#device.limits.maxStorageBufferBindingSize;
    this.#onError = onError;
    this.#absent = Array.from({ length: 8 }, () => {
      return { buffer: resources.pool.take(256, "mamba: absent tensor"), offset: 0, size: 256 };
    });
  }

  /** Records one dispatch: see `Runtime.run`. */
  run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, BufferArgument>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    const { commands } = this.#resources;
    const pipeline = this.#pipeline(op, shader);
    const snapshots = this.#snapshots(op, shader, buffers);
    let at = commands.slot();
    const { words, floats } = commands;
    words[at++] = groups;
    const bindings = this.#bindings;
    bindings.length = 0;
    this.#bytes = 0;
    for (const name of shader.read) {
      at = this.#bind(op, shader, name, buffers[name], at, snapshots?.get(name));
    }
    for (const name of shader.write) {
      const bound = buffers[name];
      at = this.#bind(op, shader, name, bound, at, undefined);
      if (bound) commands.write(tensorOf(bound).storage);
    }
    for (const { name, float } of shader.params) {
      if (float) floats[at++] = params[name];
      else words[at++] = params[name];
    }
    const group = this.#group(op, shader, pipeline);
    commands.dispatch({ op, shader: shader.name, bytes: this.#bytes }, pipeline.pipeline, group, groups);
  }

  /** Adds the binding of one buffer and writes its two parameters. */
  #bind(
    op: string,
    shader: Shader,
    name: string,
    bound: BufferArgument,
    at: number,
    snapshot: Binding | undefined,
  ): number {
    const { commands } = this.#resources;
    const { words } = commands;
    if (bound === undefined) {
      words[at] = words[at + 1] = 0;
      this.#bindings.push(this.#absent[this.#bindings.length] as Binding);
      return at + 2;
    }
    const tensor = tensorOf(bound);
    const { storage, dtype } = tensor;
    const error = storageError(storage);
    if (error) throw new KernelError(error.code, `${op}: ${name}: ${error.message}`, { cause: error });
    const { from, end } = bytesOf(bound);
    // A tensor that fits is bound from the start of its memory, so that its views have the same bind groups.
    const isWhole = bound === tensor && shader.placed.has(name) && storage.bytes <= this.#maxBindingBytes;
    const offset = isWhole ? 0 : alignedDown(from, 256);
    const bytes = isWhole ? alignedUp(storage.bytes, 4) : alignedUp(end, 4) - offset;
    if (bytes > this.#maxBindingBytes) {
      const limit = this.#maxBindingBytes;
      throw new KernelError(
        "OUT_OF_MEMORY",
        `${op}: ${name} must be at most ${limit} bytes, the largest binding of this device, got ${bytes} bytes`,
      );
    }
    // Planes of quantised rows are words.
    const elementBytes = isQuantized(dtype) ? 4 : formats[dtype].blockBytes;
    const start = (from - (snapshot ? alignedDown(from, 4) : offset)) / elementBytes;
    if (start > 0 && !shader.placed.has(name)) {
      throw new Error(`shader ${shader.name}: ${name} must be read from ${name}_at on, which is ${start}`);
    }
    this.#bytes +=
      bound === tensor
        ? storedBytes(dtype, tensor.shape)
        : ((bound as TensorChunk).bytesRead ?? storedOffset(tensor, (bound as TensorChunk).count));
    words[at] = start;
    words[at + 1] = tensor.rowStride;
    commands.use(storage.buffer);
    this.#bindings.push(snapshot ?? { buffer: storage.buffer, offset, size: bytes });
    return at + 2;
  }

  /**
   * Copies arguments that cannot be bound where they lie: tensors that one dispatch both reads and writes, because WebGPU does
   * not allow both bindings on one buffer; and those at no multiple of 256 bytes in a shader that reads from the start of the
   * binding.
   */
  #snapshots(
    op: string,
    shader: Shader,
    buffers: Readonly<Record<string, BufferArgument>>,
  ): Map<string, Binding> | undefined {
    const { commands, pool } = this.#resources;
    let copies: Map<string, Binding> | undefined;
    for (const name of shader.read) {
      const bound = buffers[name];
      if (!bound) continue;
      const { storage, offset } = tensorOf(bound);
      const isLoose = offset > 0 && !shader.placed.has(name) && bytesOf(bound).from % 256 !== 0;
      if (!isLoose && !isWritten(shader, buffers, storage)) continue;
      const { from, end } = bytesOf(bound);
      const size = alignedUp(end, 4) - alignedDown(from, 4);
      const buffer = pool.take(size, `${op}: copy of ${name}`);
      buffer.used = true;
      commands.copy(op, storage.buffer, alignedDown(from, 4), buffer, 0, size);
      (copies ??= new Map()).set(name, { buffer, offset: 0, size });
    }
    // The queue runs in order, so work recorded after this dispatch may use the copies again.
    for (const { buffer } of copies?.values() ?? []) pool.give(buffer);
    return copies;
  }

  #pipeline(op: string, shader: Shader): Pipeline {
    const cached = this.#resources.pipelines.get(shader);
    if (cached) {
      const { error } = cached;
      if (error) throw new KernelError(error.code, error.message, { cause: error });
      return cached;
    }
    const created = withErrorScopes(this.#device, `${op}: shader ${shader.name}`, () =>
      this.#resources.pipelines.compile(shader),
    );
    void created.outcome.then((error) => {
      if (error) created.value.error = this.#onError(error);
    });
    return created.value;
  }

  #group(op: string, shader: Shader, pipeline: Pipeline): GPUBindGroup {
    const { bindGroups } = this.#resources;
    const key = bindGroups.key(pipeline, this.#bindings);
    const cached = bindGroups.get(key);
    if (cached) return cached;
    const label = `${op}: shader ${shader.name}`;
    const created = withErrorScopes(this.#device, label, () =>
      bindGroups.create(key, pipeline, label, this.#bindings),
    );
    void created.outcome.then((error) => {
      if (error) this.#onError(error);
    });
    return created.value;
  }
}

function tensorOf(bound: WebGpuTensor | TensorChunk): WebGpuTensor {
  return bound instanceof WebGpuTensor ? bound : bound.tensor;
}

/** The bytes of its memory from the first to the last element of an argument. */
function bytesOf(bound: WebGpuTensor | TensorChunk): { from: number; end: number } {
  if (!(bound instanceof WebGpuTensor)) {
    const { tensor, start, count } = bound;
    const from = storedOffset(tensor, tensor.offset + start);
    return { from, end: from + storedOffset(tensor, count) };
  }
  const { shape, rowStride, offset } = bound;
  const elements = (rowCount(bound) - 1) * rowStride + lastExtent(shape);
  return { from: storedOffset(bound, offset), end: storedOffset(bound, offset + elements) };
}

/** True when a dispatch writes to the memory. */
function isWritten(
  shader: Shader,
  buffers: Readonly<Record<string, BufferArgument>>,
  storage: Storage,
): boolean {
  for (const name of shader.write) {
    const bound = buffers[name];
    if (bound && tensorOf(bound).storage === storage) return true;
  }
  return false;
}

function alignedDown(bytes: number, multiple: number): number {
  return bytes - (bytes % multiple);
}

function alignedUp(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}
