// WebGPU guarantees eight storage buffers per shader, and the scan has twelve tensors. Its small ones, which are dense, are copied
// one after another into one buffer.

import { byteLength, byteOffset, elementCount } from "@mamba/kernel";
import type { Commands } from "../commands/commands.ts";
import type { Storage, WebGpuTensor } from "./tensor.ts";

/** The offset of an absent tensor in a pack. */
export const absentOffset = 0xffffffff;

/** Several tensors in one, as 32-bit words. */
export interface Pack {
  readonly tensor: WebGpuTensor;
  /** The first word of each tensor, `absentOffset` for an absent one. */
  readonly at: readonly number[];
}

/** The members of `Runtime` that packs need. */
interface PackRuntime {
  readonly commands: Commands;
  result(op: string, shape: readonly number[]): WebGpuTensor;
  hidden(op: string, words: number): WebGpuTensor;
}

type Tensors = readonly (WebGpuTensor | undefined)[];

/** Packs dense tensors of f32 or i32 into a new tensor, which the op disposes before it returns. */
export function pack(runtime: PackRuntime, op: string, tensors: Tensors): Pack {
  return fill(runtime, op, tensors, (words) => runtime.result(op, [words]));
}

function fill(
  { commands }: PackRuntime,
  op: string,
  tensors: Tensors,
  allocate: (words: number) => WebGpuTensor,
): Pack {
  let words = 0;
  const at = tensors.map((tensor) => {
    if (!tensor) return absentOffset;
    const start = words;
    words += elementCount(tensor.shape);
    return start;
  });
  const packed = allocate(words);
  tensors.forEach((tensor, i) => {
    if (!tensor) return;
    const { dtype, shape, offset, storage } = tensor;
    const [from, to] = [byteOffset(dtype, offset), (at[i] ?? 0) * 4];
    commands.copy(op, storage.buffer, from, packed.storage.buffer, to, byteLength(dtype, shape));
  });
  commands.write(packed.storage);
  return { tensor: packed, at };
}

/** A tensor of a cached pack: its memory, and the elements in it. */
interface Source {
  readonly storage: Storage;
  readonly offset: number;
  readonly count: number;
}

interface CachedPack {
  readonly pack: Pack;
  readonly sources: readonly (Source | undefined)[];
  /** The version of each source that is in the pack; undefined for an absent one, and -1 for one that is stale at once. */
  readonly versions: readonly (number | undefined)[];
}

/** Cached packs of parameters, which stay the same from one decoded token to the next. */
export class Packs {
  readonly #runtime: PackRuntime;
  /** By the memory of the first tensor. */
  readonly #cached = new Map<Storage, CachedPack>();

  constructor(runtime: PackRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Like `pack`, but cached until one of the tensors changes or the first one is freed. The caller does not dispose it.
   *
   * @param written the tensor that the op writes in place, after it has read the pack
   */
  get(op: string, tensors: readonly [WebGpuTensor, ...Tensors], written: WebGpuTensor): Pack {
    const [first] = tensors;
    const cached = this.#cached.get(first.storage);
    if (cached && tensors.every((tensor, i) => isCurrent(cached, i, tensor))) return cached.pack;
    cached?.pack.tensor.dispose();
    const pack = fill(this.#runtime, op, tensors, (words) => this.#runtime.hidden(op, words));
    const sources = tensors.map((tensor) => {
      return tensor && { storage: tensor.storage, offset: tensor.offset, count: elementCount(tensor.shape) };
    });
    // The version of `written` was raised before this op writes it, so it does not tell the old content from the new one.
    const versions = sources.map((source) => {
      return source?.storage === written.storage ? -1 : source?.storage.version;
    });
    this.#cached.set(first.storage, { pack, sources, versions });
    return pack;
  }

  /** Frees the pack of a freed memory. */
  forget(storage: Storage): void {
    const cached = this.#cached.get(storage);
    if (!cached) return;
    this.#cached.delete(storage);
    cached.pack.tensor.dispose();
  }
}

function isCurrent({ sources, versions }: CachedPack, i: number, tensor: WebGpuTensor | undefined): boolean {
  const source = sources[i];
  if (!tensor || !source) return tensor === source;
  return (
    tensor.storage === source.storage &&
    tensor.offset === source.offset &&
    elementCount(tensor.shape) === source.count &&
    tensor.version === versions[i]
  );
}
