import type { Tensor } from "@mamba/kernel";
import { Linear } from "../layers/linear.ts";
import { type MambaConfig, parametrization } from "../layers/mambaConfig.ts";
import type { Ops } from "../ops/run/ops.ts";
import {
  type Init,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";

/** Parameters of a head with a bias: `head.weight` [O, D] and `head.bias` [O]. */
export function headSpecs(config: MambaConfig, outputs: number): ParameterSpec[] {
  const zero: Init = { kind: "constant", value: 0 };
  const init: Init = parametrization(config).zeroStart
    ? zero
    : { kind: "normal", std: config.initializerRange };
  return [
    {
      name: "head.weight",
      shape: [outputs, config.dModel],
      init,
      weightDecay: true,
      lrScale: 1,
      storage: "any",
    },
    smallParameter("head.bias", [outputs], zero),
  ];
}

/** The head of a model, over borrowed parameters. */
export class Head {
  readonly linear: Linear;
  /** Under muP the head's input is divided by the width multiplier. */
  readonly #widthMultiplier: number;

  /** Borrows the parameters of `headSpecs(config, outputs)`. */
  constructor(config: MambaConfig, parameters: Parameters) {
    this.linear = new Linear(parameter(parameters, "head.weight"), parameter(parameters, "head.bias"));
    this.#widthMultiplier = parametrization(config).widthMultiplier;
  }

  /** hidden [..., D] -> [..., O] */
  forward(ops: Ops, hidden: Tensor): Tensor {
    const m = this.#widthMultiplier;
    return this.linear.forward(ops, m === 1 ? hidden : ops.scale(hidden, 1 / m));
  }
}
