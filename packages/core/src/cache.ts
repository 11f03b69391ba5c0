import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import type { MambaConfig } from "./config.ts";
import { MambaError } from "./errors.ts";

/** What one block remembers of the past. */
export interface LayerCache {
  /** [B, ED, N] f32: the state h after the last token. */
  readonly state: Tensor;
  /** [B, ED, W-1] f32: the last inputs of the convolution, oldest first. */
  readonly convInputs: Tensor;
}

/** The sizes that a cache and a model must share. */
export type CacheShape = Pick<MambaConfig, "nLayers" | "dInner" | "dState" | "dConv">;

/**
 * The whole memory of a stack: one `LayerCache` per layer, of constant size however many tokens went in. `forward` and
 * `step` advance it in place; `clone` before them to keep a state to come back to.
 */
export class MambaCache implements Disposable {
  readonly kernel: Kernel;
  readonly shape: CacheShape;
  /** Rows, B. */
  readonly batch: number;
  readonly layers: readonly LayerCache[];

  private constructor(kernel: Kernel, shape: CacheShape, batch: number, layers: readonly LayerCache[]) {
    this.kernel = kernel;
    this.shape = shape;
    this.batch = batch;
    this.layers = layers;
  }

  /** A cache that has seen nothing: zeros. */
  static create(kernel: Kernel, config: CacheShape, batch: number): MambaCache {
    if (!Number.isInteger(batch) || batch < 1) {
      throw new MambaError("CACHE", `a cache needs a batch of at least 1, got ${batch}`);
    }
    return MambaCache.#build(kernel, pickShape(config), batch, (shape) => kernel.zeros(shape, "f32"));
  }

  /** An independent copy. */
  clone(): MambaCache {
    return this.select(Array.from({ length: this.batch }, (_, row) => row));
  }

  /** An independent cache of rows `rows`, in that order; repeats are allowed. For beams and for dropping rows. */
  select(rows: readonly number[]): MambaCache {
    const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= this.batch);
    if (outside !== undefined || rows.length === 0) {
      const got = rows.length === 0 ? "none" : String(outside);
      throw new MambaError("CACHE", `rows must be from 0 to ${this.batch - 1} and at least one, got ${got}`);
    }
    return MambaCache.#build(this.kernel, this.shape, rows.length, (_, layer, field) =>
      this.kernel.gatherRows((this.layers[layer] as LayerCache)[field], rows),
    );
  }

  /**
   * The contents on the host, all layers one after the other: state [B, ED, N], then convInputs [B, ED, W-1].
   */
  async read(): Promise<Float32Array[]> {
    const tensors = this.layers.flatMap(({ state, convInputs }) => [state, convInputs]);
    return (await this.kernel.read(...tensors)) as Float32Array[];
  }

  /** The reverse of `read`, on any kernel. */
  static upload(
    kernel: Kernel,
    config: CacheShape,
    batch: number,
    data: readonly Float32Array[],
  ): MambaCache {
    return MambaCache.#build(kernel, pickShape(config), batch, (shape, layer, field) =>
      kernel.upload(data[2 * layer + (field === "state" ? 0 : 1)] as Float32Array, shape, "f32"),
    );
  }

  /** @throws MambaError `CACHE` when the cache belongs to a model of another shape or a batch of another size. */
  checkFits(config: CacheShape, batch: number): void {
    for (const field of ["nLayers", "dInner", "dState", "dConv"] as const) {
      if (this.shape[field] !== config[field]) {
        throw new MambaError(
          "CACHE",
          `the cache has ${field} ${this.shape[field]}, the model ${config[field]}`,
        );
      }
    }
    if (this.batch !== batch) {
      throw new MambaError("CACHE", `the cache has ${this.batch} rows, the input ${batch}`);
    }
  }

  dispose(): void {
    for (const { state, convInputs } of this.layers) {
      state.dispose();
      convInputs.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  static #build(
    kernel: Kernel,
    shape: CacheShape,
    batch: number,
    make: (shape: readonly number[], layer: number, field: keyof LayerCache) => Tensor,
  ): MambaCache {
    using scope = new Scope(); // frees what was made when a later allocation fails
    const layers = Array.from({ length: shape.nLayers }, (_, layer) => ({
      state: scope.use(make([batch, shape.dInner, shape.dState], layer, "state")),
      convInputs: scope.use(make([batch, shape.dInner, shape.dConv - 1], layer, "convInputs")),
    }));
    for (const { state, convInputs } of layers) {
      scope.release(state);
      scope.release(convInputs);
    }
    return new MambaCache(kernel, shape, batch, layers);
  }
}

function pickShape({ nLayers, dInner, dState, dConv }: CacheShape): CacheShape {
  return { nLayers, dInner, dState, dConv };
}
