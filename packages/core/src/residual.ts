import type { Kernel, Tensor } from "@mamba/kernel";
import { MambaBlock, type SequenceOptions } from "./block.ts";
import type { LayerCache } from "./cache.ts";
import type { MambaConfig } from "./config.ts";
import type { Ops } from "./ops.ts";
import { parameter, type Parameters } from "./parameters.ts";

/** RMS norm with a gain, or without one under muP. */
export class RMSNorm {
  readonly #weight: Tensor | undefined;
  readonly #eps: number;

  constructor(config: MambaConfig, parameters: Parameters, name: string) {
    this.#weight = config.mupBaseWidth === undefined ? parameter(parameters, name) : undefined;
    this.#eps = config.rmsNormEps;
  }

  /** [..., D] -> [..., D] */
  forward(ops: Ops, x: Tensor): Tensor {
    return ops.rmsNorm(x, this.#weight, this.#eps);
  }
}

/** One layer of the stack: `x + mixer(norm(x))`. */
export class ResidualBlock implements Disposable {
  readonly #norm: RMSNorm;
  readonly mixer: MambaBlock;

  /** Borrows the parameters `prefix + "norm.weight"` and `prefix + "mixer.…"`. */
  constructor(kernel: Kernel, config: MambaConfig, parameters: Parameters, prefix = "") {
    this.#norm = new RMSNorm(config, parameters, `${prefix}norm.weight`);
    this.mixer = new MambaBlock(kernel, config, parameters, `${prefix}mixer.`);
  }

  /** x [B, L, D] -> [B, L, D] */
  forward(ops: Ops, x: Tensor, options: SequenceOptions = {}): Tensor {
    return ops.add(x, this.mixer.forward(ops, this.#norm.forward(ops, x), options));
  }

  /** One token: x [B, D] -> [B, D] */
  step(ops: Ops, x: Tensor, cache: LayerCache): Tensor {
    return ops.add(x, this.mixer.step(ops, this.#norm.forward(ops, x), cache));
  }

  /** Brings what is derived from the parameters up to date, after training changed them. */
  refresh(kernel: Kernel): void {
    this.mixer.refresh(kernel);
  }

  dispose(): void {
    this.mixer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
