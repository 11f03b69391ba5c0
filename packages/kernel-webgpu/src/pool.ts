import type { KernelError } from "@mamba/kernel";
import { sizeClass } from "@mamba/kernel/author";
import { usage } from "./constants.ts";
import { watched } from "./watch.ts";

/** A buffer of the pool. */
export interface PooledBuffer {
  readonly gpu: GPUBuffer;
  /** Size class: at least what was asked for. */
  readonly bytes: number;
  readonly id: number;
  /** The batch of commands that used it last. */
  lastBatch: number;
  /** False while it still holds the zeros that every new buffer of WebGPU holds. */
  touched: boolean;
  /** Why there is no memory behind it. */
  fault: KernelError | undefined;
}

/** Free memory that is kept whatever is live: the activations of a large prefill come back with the next. */
const keptBytes = 256 * 2 ** 20;

/**
 * Storage buffers by size class. A freed buffer is given out again at once: the queue runs in order, so the work that
 * still uses it comes before the work that overwrites it.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  /** Free buffers, the one freed last at the end. */
  readonly #free = new Map<number, PooledBuffer[]>();
  readonly #onFault: (error: KernelError) => void;
  readonly #all = new Set<PooledBuffer>();
  #freeBytes = 0;
  #nextId = 1;
  #created = 0;

  /** @param onFault hears of allocations that failed */
  constructor(device: GPUDevice, onFault: (error: KernelError) => void) {
    this.#device = device;
    this.#onFault = onFault;
  }

  /** Buffers made so far: a steady state makes none. */
  get created(): number {
    return this.#created;
  }

  /**
   * A buffer of at least `bytes`, with any content.
   *
   * @param idleSince take none that this batch or a later one has used: what is written to it jumps the queue of commands
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
    const { value: gpu, outcome } = watched(this.#device, label, () => this.#device.createBuffer(descriptor));
    const buffer: PooledBuffer = {
      gpu,
      bytes: size,
      id: this.#nextId++,
      lastBatch: 0,
      touched: false,
      fault: undefined,
    };
    void outcome.then((error) => {
      if (!error) return;
      buffer.fault = error;
      this.#all.delete(buffer);
      this.#onFault(error);
    });
    this.#created++;
    this.#all.add(buffer);
    return buffer;
  }

  give(buffer: PooledBuffer): void {
    if (!this.#all.has(buffer)) return;
    const list = this.#free.get(buffer.bytes);
    if (list) list.push(buffer);
    else this.#free.set(buffer.bytes, [buffer]);
    this.#freeBytes += buffer.bytes;
  }

  /**
   * Destroys free buffers, those not used for longest first, until no more than `limit` bytes are free. No command that
   * is not submitted yet may use them.
   */
  trim(limit = keptBytes): void {
    if (this.#freeBytes <= limit) return;
    const all = [...this.#free.values()].flat().sort((a, b) => a.lastBatch - b.lastBatch);
    for (const buffer of all) {
      if (this.#freeBytes <= limit) break;
      const list = this.#free.get(buffer.bytes) as PooledBuffer[];
      list.splice(list.indexOf(buffer), 1);
      this.#freeBytes -= buffer.bytes;
      this.#all.delete(buffer);
      buffer.gpu.destroy();
    }
  }

  /** Destroys every buffer, those in use too. */
  destroy(): void {
    for (const buffer of this.#all) buffer.gpu.destroy();
    this.#all.clear();
    this.#free.clear();
  }
}
