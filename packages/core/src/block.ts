import type { Kernel, Tensor } from "@mamba/kernel";
import type { LayerCache } from "./cache.ts";
import type { MambaConfig } from "./config.ts";
import { Linear } from "./linear.ts";
import type { LoraTarget } from "./lora.ts";
import type { Ops } from "./ops.ts";
import { parameter, type Parameters } from "./parameters.ts";
import { SelectiveSSM } from "./ssm.ts";

/** How a block is run over a sequence. */
export interface SequenceOptions {
  /** What came before; advanced in place to the end of this sequence. */
  readonly cache?: LayerCache | undefined;
  /** i32 [B, 2]: the real positions [start, end) of each row. Default: all. */
  readonly range?: Tensor | undefined;
}

/**
 * The Mamba block (Mamba paper, figure 3): a gated selective SSM behind a short causal convolution.
 *
 * D is `dModel`, ED `dInner`.
 */
export class MambaBlock implements Disposable {
  readonly #dInner: number;
  readonly #ssm: SelectiveSSM;
  /** By the names of their parameters; without selection there is no `x_proj`. */
  readonly linears: Readonly<Record<Exclude<LoraTarget, "x_proj">, Linear> & { x_proj: Linear | undefined }>;

  /** Borrows the parameters named `prefix + name`; see `blockSpecs`. */
  constructor(kernel: Kernel, config: MambaConfig, parameters: Parameters, prefix = "") {
    this.#dInner = config.dInner;
    const parameterOf = (name: string) => parameter(parameters, prefix + name);
    const linear = (name: string) =>
      new Linear(parameterOf(`${name}.weight`), config.bias ? parameterOf(`${name}.bias`) : undefined);
    const [in_proj, out_proj] = [linear("in_proj"), linear("out_proj")];
    this.#ssm = new SelectiveSSM(kernel, config, parameterOf);
    this.linears = { in_proj, x_proj: this.#ssm.xProj, dt_proj: this.#ssm.dtProj, out_proj };
  }

  /** x [B, L, D] -> [B, L, D]. With a cache, `forward(L)` equals `forward(k)` then `forward(L - k)`. */
  forward(ops: Ops, x: Tensor, options: SequenceOptions = {}): Tensor {
    const xz = this.linears.in_proj.forward(ops, x); // [B, L, 2·ED]
    const u = ops.columns(xz, 0, this.#dInner); // [B, L, ED]
    const z = ops.columns(xz, this.#dInner, this.#dInner); // [B, L, ED]
    const y = this.#ssm.forward(ops, u, z, options); // [B, L, ED]
    return this.linears.out_proj.forward(ops, y); // [B, L, D]
  }

  /** One token: x [B, D] -> [B, D]. The cache is advanced in place. */
  step(ops: Ops, x: Tensor, cache: LayerCache): Tensor {
    const xz = this.linears.in_proj.forward(ops, x); // [B, 2·ED]
    const u = ops.columns(xz, 0, this.#dInner); // [B, ED]
    const z = ops.columns(xz, this.#dInner, this.#dInner); // [B, ED]
    const y = this.#ssm.step(ops, u, z, cache); // [B, ED]
    return this.linears.out_proj.forward(ops, y); // [B, D]
  }

  /** Brings what is derived from the parameters up to date, after training changed them. */
  refresh(kernel: Kernel): void {
    this.#ssm.refresh(kernel);
  }

  /** Frees what the block derived from its parameters; the parameters stay their owner's. */
  dispose(): void {
    this.#ssm.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
