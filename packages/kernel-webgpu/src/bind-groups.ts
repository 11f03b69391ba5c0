import type { Pipeline } from "./pipelines.ts";
import type { PooledBuffer } from "./pool.ts";

/** A piece of a buffer as a shader sees it, in bytes. */
export interface Binding {
  readonly buffer: PooledBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Enough for the steady state of any model; more are combinations that will not come again. */
const kept = 8192;

/** Bind groups by what they bind: the pool gives a repeated step the same buffers, so it makes no new ones. */
export class BindGroups {
  readonly #device: GPUDevice;
  readonly #groups = new Map<string, GPUBindGroup>();
  #created = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bind groups made so far. */
  get created(): number {
    return this.#created;
  }

  /** What a group is known by. */
  key(pipeline: Pipeline, bindings: readonly Binding[]): string {
    let key = pipeline.layoutKey;
    for (const { buffer, offset, size } of bindings) key += `|${buffer.id}@${offset}+${size}`;
    return key;
  }

  get(key: string): GPUBindGroup | undefined {
    return this.#groups.get(key);
  }

  make(key: string, pipeline: Pipeline, label: string, bindings: readonly Binding[]): GPUBindGroup {
    if (this.#groups.size === kept) this.#groups.clear();
    const group = this.#device.createBindGroup({
      label,
      layout: pipeline.layout,
      entries: bindings.map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer: buffer.gpu, offset, size },
      })),
    });
    this.#groups.set(key, group);
    this.#created++;
    return group;
  }
}
