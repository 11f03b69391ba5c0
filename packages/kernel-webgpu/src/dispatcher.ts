import { byteLength, byteOffset, formats, KernelError } from "@mamba/kernel";
import type { Binding } from "./bind-groups.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Runtime } from "./runtime.ts";
import type { Shader } from "./shader.ts";
import { faultOf, WebGpuTensor } from "./tensor.ts";
import { watched } from "./watch.ts";

/** Elements [start, start + count) of a dense tensor, for what is too large to be bound as a whole. */
export interface Slice {
  readonly tensor: WebGpuTensor;
  readonly start: number;
  readonly count: number;
  /** Bytes of it that a dispatch reads, where that is less than all. */
  readonly touched?: number;
}

/** What stands for a buffer of a shader: nothing where the argument is absent. */
export type Bound = WebGpuTensor | Slice | undefined;

/** Turns tensors and numbers into bindings, parameters and a recorded dispatch. */
export class Dispatcher {
  readonly #runtime: Runtime;
  readonly #device: GPUDevice;
  readonly #maxBindingBytes: number;
  readonly #onFault: (error: KernelError) => KernelError;
  /** Stand in for absent tensors, one for each place in a shader: two that are written may not be the same. */
  readonly #absent: Binding[];
  readonly #bindings: Binding[] = [];
  /** What the dispatch being recorded reads and writes. */
  #bytes = 0;

  /** @param onFault hears of a shader or a binding that the device refuses, and says how to tell it */
  constructor(runtime: Runtime, onFault: (error: KernelError) => KernelError) {
    this.#runtime = runtime;
    this.#device = runtime.device;
    this.#maxBindingBytes = this.#device.limits.maxStorageBufferBindingSize;
    this.#onFault = onFault;
    this.#absent = Array.from({ length: 8 }, () => {
      return { buffer: runtime.pool.take(256, "mamba: absent tensor"), offset: 0, size: 256 };
    });
  }

  /** Records one dispatch: see `Runtime.run`. */
  run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, Bound>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    const { commands } = this.#runtime;
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
  #bind(op: string, name: string, bound: Bound, at: number, snapshot: Binding | undefined): number {
    const { commands } = this.#runtime;
    const { words } = commands;
    if (bound === undefined) {
      words[at] = words[at + 1] = 0;
      this.#bindings.push(this.#absent[this.#bindings.length] as Binding);
      return at + 2;
    }
    const tensor = tensorOf(bound);
    const { storage, dtype } = tensor;
    const fault = faultOf(storage);
    if (fault) throw new KernelError(fault.code, `${op}: ${name}: ${fault.message}`, { cause: fault });
    // What is bound starts at a multiple of 256 bytes; the rest of the way is counted in elements.
    const from = bound === tensor ? 0 : byteOffset(dtype, (bound as Slice).start);
    const offset = Math.floor(from / 256) * 256;
    const end = bound === tensor ? storage.bytes : from + byteOffset(dtype, (bound as Slice).count);
    const bytes = Math.ceil((end - offset) / 4) * 4;
    if (bytes > this.#maxBindingBytes) {
      const limit = this.#maxBindingBytes;
      throw new KernelError(
        "OUT_OF_MEMORY",
        `${op}: ${name} takes ${bytes} bytes, this op on this device reaches ${limit}`,
      );
    }
    this.#bytes +=
      bound === tensor
        ? byteLength(dtype, tensor.shape)
        : ((bound as Slice).touched ?? byteOffset(dtype, (bound as Slice).count));
    const { blockElements, blockBytes } = formats[dtype];
    words[at] = tensor.offset + ((from - offset) / blockBytes) * blockElements;
    words[at + 1] = tensor.rowStride;
    commands.use(storage.buffer);
    this.#bindings.push(snapshot ?? { buffer: storage.buffer, offset, size: bytes });
    return at + 2;
  }

  /** Copies of what would be read and written by one dispatch, which WebGPU does not allow. */
  #snapshots(
    op: string,
    shader: Shader,
    buffers: Readonly<Record<string, Bound>>,
  ): Map<string, Binding> | undefined {
    const { commands, pool } = this.#runtime;
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
        buffer.touched = true;
        commands.copy(op, storage.buffer, 0, buffer, 0, size);
        (copies ??= new Map()).set(name, { buffer, offset: 0, size });
      }
    }
    // Free again for whatever is recorded after this dispatch.
    for (const { buffer } of copies?.values() ?? []) pool.give(buffer);
    return copies;
  }

  #pipeline(op: string, shader: Shader): Pipeline {
    const known = this.#runtime.pipelines.get(shader);
    if (known) {
      if (known.fault) throw new KernelError(known.fault.code, known.fault.message, { cause: known.fault });
      return known;
    }
    const made = watched(this.#device, `${op}: shader ${shader.name}`, () =>
      this.#runtime.pipelines.compile(shader),
    );
    void made.outcome.then((error) => {
      if (error) made.value.fault = this.#onFault(error);
    });
    return made.value;
  }

  #group(op: string, shader: Shader, pipeline: Pipeline): GPUBindGroup {
    const { groups } = this.#runtime;
    const key = groups.key(pipeline, this.#bindings);
    const known = groups.get(key);
    if (known) return known;
    const what = `${op}: shader ${shader.name}`;
    const made = watched(this.#device, what, () => groups.make(key, pipeline, what, this.#bindings));
    void made.outcome.then((error) => {
      if (error) this.#onFault(error);
    });
    return made.value;
  }
}

function tensorOf(bound: WebGpuTensor | Slice): WebGpuTensor {
  return bound instanceof WebGpuTensor ? bound : bound.tensor;
}
