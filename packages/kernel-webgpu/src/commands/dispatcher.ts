import { byteLength, byteOffset, formats, KernelError } from "@mamba/kernel";
import { withErrorScopes } from "../device/errorScopes.ts";
import type { BufferPool } from "../memory/bufferPool.ts";
import { storageError, WebGpuTensor } from "../memory/tensor.ts";
import type { Shader } from "../shader.ts";
import type { BindGroups, Binding } from "./bindGroups.ts";
import type { Commands } from "./commands.ts";
import type { Pipeline, Pipelines } from "./pipelines.ts";

/** Elements [start, start + count) of a dense tensor: a chunk of a tensor that is too large for one binding. */
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
    commands.dispatch({ op, shader: shader.name, bytes: this.#bytes }, pipeline.pipeline, group, groups);
  }

  /** Adds the binding of one buffer and writes its two parameters. */
  #bind(op: string, name: string, bound: BufferArgument, at: number, snapshot: Binding | undefined): number {
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
    // A binding starts at a multiple of 256 bytes; the shader adds the rest of the offset, in elements.
    const from = bound === tensor ? 0 : byteOffset(dtype, (bound as TensorChunk).start);
    const offset = Math.floor(from / 256) * 256;
    const end = bound === tensor ? storage.bytes : from + byteOffset(dtype, (bound as TensorChunk).count);
    const bytes = Math.ceil((end - offset) / 4) * 4;
    if (bytes > this.#maxBindingBytes) {
      const limit = this.#maxBindingBytes;
      throw new KernelError(
        "OUT_OF_MEMORY",
        `${op}: ${name} must be at most ${limit} bytes, the largest binding of this device, got ${bytes} bytes`,
      );
    }
    this.#bytes +=
      bound === tensor
        ? byteLength(dtype, tensor.shape)
        : ((bound as TensorChunk).bytesRead ?? byteOffset(dtype, (bound as TensorChunk).count));
    const { blockElements, blockBytes } = formats[dtype];
    words[at] = tensor.offset + ((from - offset) / blockBytes) * blockElements;
    words[at + 1] = tensor.rowStride;
    commands.use(storage.buffer);
    this.#bindings.push(snapshot ?? { buffer: storage.buffer, offset, size: bytes });
    return at + 2;
  }

  /** Copies the tensors that one dispatch both reads and writes: WebGPU does not allow both bindings on one buffer. */
  #snapshots(
    op: string,
    shader: Shader,
    buffers: Readonly<Record<string, BufferArgument>>,
  ): Map<string, Binding> | undefined {
    const { commands, pool } = this.#resources;
    let copies: Map<string, Binding> | undefined;
    for (const target of shader.write) {
      const written = buffers[target];
      if (!written) continue;
      const { storage } = tensorOf(written);
      for (const name of shader.read) {
        const bound = buffers[name];
        if (!bound || tensorOf(bound).storage !== storage) continue;
        const size = Math.ceil(storage.bytes / 4) * 4;
        const buffer = pool.take(size, `${op}: copy of ${name}`);
        buffer.used = true;
        commands.copy(op, storage.buffer, 0, buffer, 0, size);
        (copies ??= new Map()).set(name, { buffer, offset: 0, size });
      }
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
