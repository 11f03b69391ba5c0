import type { KernelError } from "@mamba/kernel";
import { sizeClass } from "@mamba/kernel/author";
import { usage } from "../device/constants.ts";
import { withErrorScopes } from "../device/errorScopes.ts";

/** A buffer of the pool. */
export interface PooledBuffer {
  readonly gpu: GPUBuffer;
  /** Its size class: at least the requested size. */
  readonly bytes: number;
  readonly id: number;
  /** The last batch of commands that used it. */
  lastBatch: number;
  /** False while it still holds zeros, as every new buffer of WebGPU does. */
  used: boolean;
  /** The error of its allocation. */
  error: KernelError | undefined;
}

/** Free memory that the pool keeps for reuse, for example for the activations of the next prefill. */
const maxFreeBytes = 256 * 2 ** 20;

/**
 * Storage buffers by size class. A freed buffer can be taken again at once: the queue runs in order, so the work that
 * still uses it runs before the work that overwrites it.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  /** Free buffers by size class, the last freed at the end. */
  readonly #free = new Map<number, PooledBuffer[]>();
  readonly #onError: (error: KernelError) => void;
  readonly #all = new Set<PooledBuffer>();
  #freeBytes = 0;
  #nextId = 1;
  #created = 0;

  /** @param onError is called with the error of a failed allocation */
  constructor(device: GPUDevice, onError: (error: KernelError) => void) {
    this.#device = device;
    this.#onError = onError;
  }

  /** Buffers created so far. A steady state creates none. */
  get created(): number {
    return this.#created;
  }

  /**
   * Returns a buffer of at least `bytes`, with undefined content.
   *
   * @param idleSince the number of a batch: returns no buffer that this batch or a later one used, because a write by the
   * host runs before all recorded commands
   */
  take(bytes: number, label: string, idleSince?: number): PooledBuffer {
    const size = sizeClass(bytes);
    const list = this.#free.get(size);
    if (list) {
      for (let i = list.length - 1; i >= 0; i--) {
        const buffer = list[i] as PooledBuffer;
        if (idleSince !== undefined && buffer.lastBatch >= idleSince) continue;
        list.splice(i, 1);
        this.#freeBytes -= size;
        return buffer;
      }
    }
    const descriptor = { label, size, usage: usage.storage | usage.copySource | usage.copyTarget };
    const { value: gpu, outcome } = withErrorScopes(this.#device, label, () =>
      this.#device.createBuffer(descriptor),
    );
    const buffer: PooledBuffer = {
      gpu,
      bytes: size,
      id: this.#nextId++,
      lastBatch: 0,
      used: false,
      error: undefined,
    };
    void outcome.then((error) => {
      if (!error) return;
      buffer.error = error;
      this.#all.delete(buffer);
      this.#onError(error);
    });
    this.#created++;
    this.#all.add(buffer);
    return buffer;
  }

  /** Frees a buffer. */
  give(buffer: PooledBuffer): void {
    if (!this.#all.has(buffer)) return;
    const list = this.#free.get(buffer.bytes);
    if (list) list.push(buffer);
    else this.#free.set(buffer.bytes, [buffer]);
    this.#freeBytes += buffer.bytes;
  }

  /**
   * Destroys free buffers, least recently used first, until at most `limit` bytes are free. Call it only when no recorded
   * command waits for its submission.
   */
  trim(limit = maxFreeBytes): void {
    if (this.#freeBytes <= limit) return;
    const all = [...this.#free.values()].flat().sort((a, b) => a.lastBatch - b.lastBatch);
    for (const buffer of all) {
      if (this.#freeBytes <= limit) break;
      const list = this.#free.get(buffer.bytes);
      list?.splice(list.indexOf(buffer), 1);
      this.#freeBytes -= buffer.bytes;
      this.#all.delete(buffer);
      buffer.gpu.destroy();
    }
  }

  /** Destroys every buffer, including those in use. */
  destroy(): void {
    for (const buffer of this.#all) buffer.gpu.destroy();
    this.#all.clear();
    this.#free.clear();
  }
}
