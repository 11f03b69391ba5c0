import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import { parameter, type Parameters, type ParameterSpec, smallParameter } from "../parameters/spec.ts";

/** The norms of a stack. */
export interface NormSpec {
  readonly eps: number;
  /** True when each norm has a learned weight. muP has none: it would learn at a rate of its own as the width grows. */
  readonly gain: boolean;
}

/** The weight of a norm over `size` channels, if it has one. */
export function normParameters({ gain }: NormSpec, name: string, size: number): ParameterSpec[] {
  return gain ? [smallParameter(name, [size], { kind: "constant", value: 1 })] : [];
}

/** RMS norm over the last axis (Zhang & Sennrich 2019). */
export class RMSNorm {
  readonly #weight: Tensor | undefined;
  readonly #eps: number;

  /** @param weight [D], borrowed; without one, 1 stands for it */
  constructor(weight: Tensor | undefined, eps: number) {
    this.#weight = weight;
    this.#eps = eps;
  }

  /** Borrows the parameter of `normParameters(spec, name, …)`. */
  static build({ gain, eps }: NormSpec, parameters: Parameters, name: string): RMSNorm {
    return new RMSNorm(gain ? parameter(parameters, name) : undefined, eps);
  }

  /** [..., D] -> [..., D] */
  forward(ops: Ops, x: Tensor): Tensor {
    return ops.rmsNorm(x, this.#weight, this.#eps);
  }
}
