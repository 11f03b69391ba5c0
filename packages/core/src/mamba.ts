import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { MambaCache, type LayerCache } from "./cache.ts";
import type { MambaConfig } from "./config.ts";
import type { Ops } from "./ops.ts";
import type { Parameters } from "./parameters.ts";
import { ResidualBlock, RMSNorm } from "./residual.ts";

/** How a stack is run over a sequence. */
export interface StackOptions {
  /** What came before; advanced in place to the end of this sequence. */
  readonly cache?: MambaCache | undefined;
  /** i32 [B, 2]: the real positions [start, end) of each row. Default: all. */
  readonly range?: Tensor | undefined;
}

/** A stack of residual Mamba blocks and a final norm, from hidden states to hidden states. */
export class Mamba implements Disposable {
  readonly kernel: Kernel;
  readonly config: MambaConfig;
  readonly layers: readonly ResidualBlock[];
  readonly #normF: RMSNorm;

  /** Borrows the parameters named `prefix + name`; see `stackSpecs`. */
  constructor(kernel: Kernel, config: MambaConfig, parameters: Parameters, prefix = "") {
    this.kernel = kernel;
    this.config = config;
    this.#normF = new RMSNorm(config, parameters, `${prefix}norm_f.weight`);
    using scope = new Scope();
    this.layers = Array.from({ length: config.nLayers }, (_, i) =>
      scope.use(new ResidualBlock(kernel, config, parameters, `${prefix}layers.${i}.`)),
    );
    for (const layer of this.layers) scope.release(layer);
  }

  /** A cache for `batch` rows that has seen nothing. */
  createCache(batch: number): MambaCache {
    return MambaCache.create(this.kernel, this.config, batch);
  }

  /** x [B, L, D] -> [B, L, D]. Each layer's intermediates are freed before the next one runs; `x` is consumed. */
  forward(ops: Ops, x: Tensor, { cache, range }: StackOptions = {}): Tensor {
    cache?.checkFits(this.config, x.shape[0] as number);
    const hidden = this.#through(ops, x, (layer, ops, x, i) =>
      layer.forward(ops, x, { cache: cache?.layers[i], range }),
    );
    return this.#normF.forward(ops, hidden);
  }

  /** One token: x [B, D] -> [B, D]. The cache is advanced in place; `x` is consumed. */
  step(ops: Ops, x: Tensor, cache: MambaCache): Tensor {
    cache.checkFits(this.config, x.shape[0] as number);
    const hidden = this.#through(ops, x, (layer, ops, x, i) =>
      layer.step(ops, x, cache.layers[i] as LayerCache),
    );
    return this.#normF.forward(ops, hidden);
  }

  #through(
    ops: Ops,
    x: Tensor,
    run: (layer: ResidualBlock, ops: Ops, x: Tensor, index: number) => Tensor,
  ): Tensor {
    return this.layers.reduce((hidden, layer, index) => {
      const next = ops.frame((inner) => run(layer, inner, hidden, index));
      ops.free(hidden);
      return next;
    }, x);
  }

  /** Brings what is derived from the parameters up to date, after training changed them. */
  refresh(): void {
    for (const layer of this.layers) layer.refresh(this.kernel);
  }

  dispose(): void {
    for (const layer of this.layers) layer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
