import type { Kernel, Tensor } from "@mamba/kernel";
import type { MambaConfig } from "./config.ts";
import { MambaError } from "./errors.ts";
import type { Ops } from "./ops.ts";
import { backwardName, parameter, type Parameters } from "./parameters.ts";
import { SelectiveSSM } from "./ssm.ts";

export interface BidirectionalOptions {
  /** Halve the sum of the two directions. Default false. */
  readonly divideOutput?: boolean | undefined;
}

/**
 * The bidirectional block of Vision Mamba (Zhu et al. 2024, algorithm 1): a forward and a backward SSM, each with its
 * own convolution, x_proj, dt_proj, A_log and D, between a shared in_proj and out_proj.
 *
 * It sees the whole sequence at once, and so has neither a cache nor a `step`.
 */
export class BidirectionalMambaBlock implements Disposable {
  readonly #dInner: number;
  readonly #divide: boolean;
  readonly #inWeight: Tensor;
  readonly #inBias: Tensor | undefined;
  readonly #outWeight: Tensor;
  readonly #outBias: Tensor | undefined;
  readonly #forward: SelectiveSSM;
  readonly #backward: SelectiveSSM;

  /** Borrows the parameters named `prefix + name`; see `bidirectionalSpecs`. */
  constructor(
    kernel: Kernel,
    config: MambaConfig,
    parameters: Parameters,
    prefix = "",
    { divideOutput = false }: BidirectionalOptions = {},
  ) {
    this.#dInner = config.dInner;
    this.#divide = divideOutput;
    this.#inWeight = parameter(parameters, `${prefix}in_proj.weight`);
    this.#inBias = config.bias ? parameter(parameters, `${prefix}in_proj.bias`) : undefined;
    this.#outWeight = parameter(parameters, `${prefix}out_proj.weight`);
    this.#outBias = config.bias ? parameter(parameters, `${prefix}out_proj.bias`) : undefined;
    this.#forward = new SelectiveSSM(kernel, config, (name) => parameter(parameters, prefix + name));
    this.#backward = new SelectiveSSM(kernel, config, (name) =>
      parameter(parameters, prefix + (name.includes("layernorm") ? name : backwardName(name))),
    );
  }

  /** x [B, L, D] -> [B, L, D] */
  forward(ops: Ops, x: Tensor): Tensor {
    const xz = ops.linear(x, this.#inWeight, this.#inBias); // [B, L, 2·ED]
    const ahead = this.#direction(ops, this.#forward, xz); // [B, L, ED]
    const behind = ops.flip(this.#direction(ops, this.#backward, ops.flip(xz))); // [B, L, ED]
    const sum = ops.add(ahead, behind);
    return ops.linear(this.#divide ? ops.scale(sum, 0.5) : sum, this.#outWeight, this.#outBias);
  }

  #direction(ops: Ops, ssm: SelectiveSSM, xz: Tensor): Tensor {
    const u = ops.columns(xz, 0, this.#dInner);
    const z = ops.columns(xz, this.#dInner, this.#dInner);
    return ssm.forward(ops, u, z, {});
  }

  /**
   * There is no one-token form: the backward direction starts at the end of the input. The parameter type makes a call
   * a compile error; without types it throws.
   *
   * @throws MambaError `NO_STEP`, always.
   */
  step(_never: never): never {
    throw new MambaError(
      "NO_STEP",
      "a bidirectional block has no step: its backward direction needs the whole input, so call forward",
    );
  }

  /** Brings what is derived from the parameters up to date, after training changed them. */
  refresh(kernel: Kernel): void {
    this.#forward.refresh(kernel);
    this.#backward.refresh(kernel);
  }

  dispose(): void {
    this.#forward.dispose();
    this.#backward.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
