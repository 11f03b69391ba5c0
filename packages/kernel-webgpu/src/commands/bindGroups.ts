import type { PooledBuffer } from "../memory/bufferPool.ts";
import type { Pipeline } from "./pipelines.ts";

/** The bytes of a buffer that a shader sees. */
export interface Binding {
  readonly buffer: PooledBuffer;
  readonly offset: number;
  readonly size: number;
}

/** More groups than a decoding loop of any model uses: a full cache holds combinations that do not come again. */
const maxCached = 8192;

/** A cache of bind groups. The pool gives a repeated step the same buffers, so a repeated step creates no bind groups. */
export class BindGroups {
  readonly #device: GPUDevice;
  readonly #groups = new Map<string, GPUBindGroup>();
  #created = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bind groups created so far. */
  get created(): number {
    return this.#created;
  }

  /** The cache key of a group. */
  key(pipeline: Pipeline, bindings: readonly Binding[]): string {
    let key = pipeline.layoutKey;
    for (const { buffer, offset, size } of bindings) key += `|${buffer.id}@${offset}+${size}`;
    return key;
  }

  get(key: string): GPUBindGroup | undefined {
    return this.#groups.get(key);
  }

  create(key: string, pipeline: Pipeline, label: string, bindings: readonly Binding[]): GPUBindGroup {
    if (this.#groups.size === maxCached) this.#groups.clear();
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
