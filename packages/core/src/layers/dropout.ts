import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import { hash } from "../random.ts";
import type { AnyLinear } from "./expertLinear.ts";
import type { LayerContext, Module, ModuleSpec, Training } from "./module.ts";
import type { StackSpec } from "./stack.ts";

/**
 * Dropout (Srivastava et al. 2014) in training, and `x` itself otherwise: each element is 0 with this probability, and is divided
 * by `1 - probability` else.
 *
 * @param site a number of its own for each place in a model, so that no two have the same mask
 */
export function dropout(
  ops: Ops,
  x: Tensor,
  probability: number,
  training: Pick<Training, "seed"> | undefined,
  site: number,
): Tensor {
  if (training === undefined || probability === 0) return x;
  return ops.dropout(x, { probability, seed: hash(training.seed, site) >>> 0 });
}

/** The stack with dropout on the output of each mixer and ffn, which is what they add to the residual stream. Sites: from 1 on. */
export function withDropout(stack: StackSpec, probability: number): StackSpec {
  if (probability === 0) return stack;
  let site = 0;
  const dropped = (spec: ModuleSpec) => dropOutput(spec, probability, ++site);
  return {
    ...stack,
    layers: stack.layers.map((layer) => {
      const { mixer, ffn } = layer;
      return {
        ...layer,
        mixer: mixer && ("build" in mixer ? dropped(mixer) : mixer.map(dropped)),
        ffn: ffn && dropped(ffn),
      };
    }),
  };
}

function dropOutput(spec: ModuleSpec, probability: number, site: number): ModuleSpec {
  return {
    kind: spec.kind,
    config: spec.config,
    parameters: (prefix) => spec.parameters(prefix),
    state: spec.state,
    build: (parameters, prefix) => new DroppedOutput(spec.build(parameters, prefix), probability, site),
  };
}

/** A module whose output goes through dropout. */
class DroppedOutput implements Module {
  readonly linears: ReadonlyMap<string, AnyLinear>;
  readonly #module: Module;
  readonly #probability: number;
  readonly #site: number;

  constructor(module: Module, probability: number, site: number) {
    this.linears = module.linears;
    this.#module = module;
    this.#probability = probability;
    this.#site = site;
  }

  forward(ops: Ops, x: Tensor, context: LayerContext): Tensor {
    const y = this.#module.forward(ops, x, context);
    return dropout(ops, y, this.#probability, context.training, this.#site);
  }
}
