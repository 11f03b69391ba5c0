import type { Tensor } from "@mamba/kernel";
import { checkOptions, flag } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { Ops } from "../ops/run/ops.ts";
import { parameter, type Parameters, type ParameterSpec } from "../parameters/spec.ts";
import type { Linear } from "./linear.ts";
import { mambaParameters, projection } from "./mamba.ts";
import { blockConfig, type MambaConfig, type MambaConfigInput, resolveConfig } from "./mambaConfig.ts";
import type { LayerContext, Module, ModuleSpec } from "./module.ts";
import { SelectiveSSM, ssmParameters } from "./selectiveSsm.ts";
import type { Sequences } from "./sequences.ts";

export interface BidirectionalOptions {
  /** Halve the sum of the two directions. Default false. */
  readonly divideOutput?: boolean | undefined;
}

/**
 * A bidirectional Mamba block as a mixer. It has no state: it reads the whole input at once.
 *
 * @throws MambaError `CONFIG` (config) or `OPTIONS`, naming the field, its rule and the value
 */
export function bidirectionalMamba(
  input: MambaConfigInput,
  options: BidirectionalOptions = {},
): ModuleSpec<BidirectionalMambaBlock> {
  const config = resolveConfig(input);
  checkOptions("bidirectionalMamba", options, { divideOutput: flag });
  return {
    kind: "bidirectionalMamba",
    config: { ...blockConfig(config), divideOutput: options.divideOutput ?? false },
    parameters: (prefix) => bidirectionalParameters(config, prefix),
    state: [],
    build: (parameters, prefix) => new BidirectionalMambaBlock(config, parameters, prefix, options),
  };
}

/** Parameters of a block and the backward direction's own, as Vision Mamba names them; names after `prefix`. */
export function bidirectionalParameters(config: MambaConfig, prefix = ""): ParameterSpec[] {
  const backward = ssmParameters(config).map((spec) => ({ ...spec, name: prefix + backwardName(spec.name) }));
  return [...mambaParameters(config, prefix), ...backward];
}

/** `conv1d.weight` -> `conv1d_b.weight`, `A_log` -> `A_b_log`, `D` -> `D_b`. */
function backwardName(name: string): string {
  if (name === "A_log") return "A_b_log";
  const [head, ...rest] = name.split(".");
  return [`${head}_b`, ...rest].join(".");
}

/**
 * The bidirectional block of Vision Mamba (Zhu et al. 2024, algorithm 1): a forward and a backward SSM, each with its own
 * convolution, x_proj, dt_proj, A_log and D, between a shared in_proj and out_proj. Both directions share the inner norms.
 */
export class BidirectionalMambaBlock implements Module {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #dInner: number;
  readonly #divide: boolean;
  readonly #inProj: Linear;
  readonly #outProj: Linear;
  readonly #forward: SelectiveSSM;
  readonly #backward: SelectiveSSM;

  /** Borrows the parameters of `bidirectionalParameters(config, prefix)`. */
  constructor(
    config: MambaConfig,
    parameters: Parameters,
    prefix = "",
    { divideOutput = false }: BidirectionalOptions = {},
  ) {
    this.#dInner = config.dInner;
    this.#divide = divideOutput;
    this.#inProj = projection(config, parameters, `${prefix}in_proj`);
    this.#outProj = projection(config, parameters, `${prefix}out_proj`);
    const own = (name: string) => (name.includes("layernorm") ? name : backwardName(name));
    this.#forward = new SelectiveSSM(config, (name) => parameter(parameters, prefix + name));
    this.#backward = new SelectiveSSM(config, (name) => parameter(parameters, prefix + own(name)));
    const linears = {
      in_proj: this.#inProj,
      x_proj: this.#forward.xProj,
      dt_proj: this.#forward.dtProj,
      out_proj: this.#outProj,
      x_proj_b: this.#backward.xProj,
      dt_proj_b: this.#backward.dtProj,
    };
    this.linears = new Map(
      Object.entries(linears).flatMap(([name, linear]) =>
        linear ? [[`${prefix}${name}.weight`, linear]] : [],
      ),
    );
  }

  /**
   * x [B, L, D] -> [B, L, D]
   *
   * The backward direction reads each sequence of a row from its end.
   *
   * @throws MambaError `NO_STEP` when a state is given
   */
  forward(ops: Ops, x: Tensor, { state, sequences }: LayerContext = {}): Tensor {
    if (state) throw noStep();
    const xz = this.#inProj.forward(ops, x); // [B, L, 2·ED]
    const forward = this.#direction(ops, this.#forward, xz, sequences); // [B, L, ED]
    // A flipped row has each of its sequences in one place, from its end to its start.
    const flipped = this.#direction(ops, this.#backward, ops.flip(xz), sequences?.reversed);
    const backward = ops.flip(flipped); // [B, L, ED]
    const sum = ops.add(forward, backward);
    return this.#outProj.forward(ops, this.#divide ? ops.scale(sum, 0.5) : sum);
  }

  #direction(ops: Ops, ssm: SelectiveSSM, xz: Tensor, sequences: Sequences | undefined): Tensor {
    const u = ops.columns(xz, 0, this.#dInner);
    const z = ops.columns(xz, this.#dInner, this.#dInner);
    return ssm.forward(ops, u, z, { sequences });
  }

  /**
   * There is no one-token form: the backward direction starts at the end of the input. The parameter type makes a call a
   * compile error; without types it throws.
   *
   * @throws MambaError `NO_STEP`, always
   */
  step(_never: never): never {
    throw noStep();
  }
}

function noStep(): MambaError {
  return new MambaError(
    "NO_STEP",
    "a bidirectional block has no step and no state: its backward direction needs the whole input, so call forward without a state",
  );
}
