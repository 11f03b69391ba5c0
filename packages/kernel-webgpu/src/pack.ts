// WebGPU guarantees eight storage buffers to a shader, and the scan has twelve tensors. Its small ones, which are dense and
// whole, are copied behind each other into one buffer.

import type { Runtime } from "./runtime.ts";
import type { Storage, WebGpuTensor } from "./tensor.ts";

/** Where an absent tensor stands in a pack. */
export const nowhere = 0xffffffff;

/** Several tensors in one, as 32-bit words. */
export interface Pack {
  readonly tensor: WebGpuTensor;
  /** The first word of each part, `nowhere` for one that is absent. */
  readonly at: readonly number[];
}

/** Dense tensors of f32 or i32 in one new tensor, which the op disposes before it returns. */
export function pack(runtime: Runtime, op: string, parts: readonly (WebGpuTensor | undefined)[]): Pack {
  return fill(runtime, op, parts, (words) => runtime.result(op, [words]));
}

function fill(
  runtime: Runtime,
  op: string,
  parts: readonly (WebGpuTensor | undefined)[],
  allocate: (words: number) => WebGpuTensor,
): Pack {
  let words = 0;
  const at = parts.map((part) => {
    if (!part) return nowhere;
    const start = words;
    words += part.storage.bytes / 4;
    return start;
  });
  const tensor = allocate(words);
  parts.forEach((part, i) => {
    if (!part) return;
    const { buffer, bytes } = part.storage;
    runtime.commands.copy(op, buffer, 0, tensor.storage.buffer, (at[i] as number) * 4, bytes);
  });
  runtime.commands.write(tensor.storage);
  return { tensor, at };
}

interface Kept {
  readonly pack: Pack;
  readonly parts: readonly (Storage | undefined)[];
  readonly versions: readonly (number | undefined)[];
}

/** Packs of parameters, which stay the same from one decoded token to the next. */
export class Packs {
  readonly #runtime: Runtime;
  readonly #kept = new Map<Storage, Kept>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** As `pack`, but kept until one of the parts changes or the first is freed. The caller does not dispose it. */
  get(op: string, first: WebGpuTensor, others: readonly (WebGpuTensor | undefined)[]): Pack {
    const tensors = [first, ...others];
    const known = this.#kept.get(first.storage);
    if (known && tensors.every((tensor, i) => isSame(tensor?.storage, known, i))) return known.pack;
    known?.pack.tensor.dispose();
    const made = fill(this.#runtime, op, tensors, (words) => this.#runtime.hidden(op, words));
    const parts = tensors.map((tensor) => tensor?.storage);
    this.#kept.set(first.storage, { pack: made, parts, versions: parts.map((part) => part?.version) });
    return made;
  }

  /** The memory of a tensor is free: what was kept for it is, too. */
  forget(storage: Storage): void {
    const known = this.#kept.get(storage);
    if (!known) return;
    this.#kept.delete(storage);
    known.pack.tensor.dispose();
  }
}

function isSame(storage: Storage | undefined, { parts, versions }: Kept, i: number): boolean {
  return storage === parts[i] && storage?.version === versions[i];
}
