import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/ops.ts";
import { parameter, type Parameters, type ParameterSpec, small } from "../parameters/spec.ts";

/** The norms of a stack. */
export interface NormSpec {
  readonly eps: number;
  /** True when each norm has a learned weight. muP has none: it would learn at a rate of its own as the width grows. */
  readonly gain: boolean;
}

/** The weight of a norm over `size` channels, if it has one. */
export function normParameters({ gain }: NormSpec, name: string, size: number): ParameterSpec[] {
  return gain ? [small(name, [size], { kind: "constant", value: 1 })] : [];
}

/** RMS norm over the last axis (Zhang & Sennrich 2019). */
export class RMSNorm {
  readonly #weight: Tensor | undefined;
  readonly #eps: number;

  /** Borrows the parameter `name`, if the norm has one. */
  constructor({ gain, eps }: NormSpec, parameters: Parameters, name: string) {
    this.#weight = gain ? parameter(parameters, name) : undefined;
    this.#eps = eps;
  }

  /** [..., D] -> [..., D] */
  forward(ops: Ops, x: Tensor): Tensor {
    return ops.rmsNorm(x, this.#weight, this.#eps);
  }
}
