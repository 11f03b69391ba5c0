import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import {
  hiddenMatrix,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";
import { balancingLoss } from "./balancingLoss.ts";
import { type AnyLinear, ExpertLinear } from "./expertLinear.ts";
import { type ExpertsConfig, type ExpertsConfigInput, resolveExpertsConfig } from "./expertsConfig.ts";
import { Linear } from "./linear.ts";
import { activated, Mlp, type MlpConfig, mlpParameters, resolveMlpConfig } from "./mlp.ts";
import type { LayerContext, Module, ModuleSpec } from "./module.ts";
import { residualStd } from "./moduleConfig.ts";

// A mixture of experts (Shazeer et al. 2017; DeepSeek-V3 for the shared MLP and the sigmoid router):
//
//   R        rows, B · L                    E    experts
//   D        dModel                         K    perToken, the experts of a row
//   DE       latent, or D without it        I    dHidden
//
//   logits   [R, E]      router(x)
//   experts  [R, K]      the K experts of each row, with weights [R, K]: see `RouteExpertsArgs`
//   hidden   [R, K, I]   act(gate(x)) · up(x), or act(up(x)) without a gate, by each row's own experts
//   y        [R, DE]     the sum over K of weight · down(hidden)
//   out      [R, D]      y, plus the shared MLP of x

/**
 * A mixture of experts as a feed-forward network.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function experts(input: ExpertsConfigInput): ModuleSpec<Experts> {
  const config = resolveExpertsConfig(input);
  return {
    kind: "experts",
    config,
    parameters: (prefix) => expertsParameters(config, prefix),
    state: [],
    build: (parameters, prefix) => new Experts(config, parameters, prefix),
  };
}

/**
 * Parameters of a mixture of experts, their names after `prefix`: `router.weight` [E, D] and `router.bias` [E], which are f32,
 * `gate_proj.weight` and `up_proj.weight` [E, I, D], `down_proj.weight` [E, D, I], and `shared.…` as those of an MLP. With `latent` the experts
 * have DE in the place of D, between `latent_in_proj.weight` [DE, D] and `latent_out_proj.weight` [D, DE].
 */
export function expertsParameters(config: ExpertsConfig, prefix = ""): ParameterSpec[] {
  const { dModel, dHidden, experts, latent, gated, scoreBias, initializerRange: std } = config;
  const width = latent ?? dModel;
  const start = { kind: "normal", std } as const;
  const end = { kind: "normal", std: residualStd(config) } as const;
  const biasInit = { kind: "constant", value: 0 } as const;
  const specs: ParameterSpec[] = [
    { ...hiddenMatrix("router.weight", [experts, dModel], start), storage: "f32" },
    ...(scoreBias ? [{ ...smallParameter("router.bias", [experts], biasInit), frozen: true }] : []),
    ...(latent ? [hiddenMatrix("latent_in_proj.weight", [latent, dModel], start)] : []),
    ...(gated ? [hiddenMatrix("gate_proj.weight", [experts, dHidden, width], start)] : []),
    hiddenMatrix("up_proj.weight", [experts, dHidden, width], start),
    hiddenMatrix("down_proj.weight", [experts, width, dHidden], latent ? start : end),
    ...(latent ? [hiddenMatrix("latent_out_proj.weight", [dModel, latent], end)] : []),
  ];
  const shared = sharedConfig(config);
  return [
    ...specs.map((spec) => ({ ...spec, name: prefix + spec.name })),
    ...(shared ? mlpParameters(shared, `${prefix}shared.`) : []),
  ];
}

function sharedConfig(config: ExpertsConfig): MlpConfig | undefined {
  const { dModel, shared, activation, gated, initializerRange, nLayers } = config;
  return shared && resolveMlpConfig({ dModel, ...shared, activation, gated, initializerRange, nLayers });
}

/** A mixture of experts over borrowed parameters. */
export class Experts implements Module {
  readonly linears: ReadonlyMap<string, AnyLinear>;
  readonly #config: ExpertsConfig;
  readonly #router: Linear;
  readonly #routerBias: Tensor | undefined;
  readonly #latentIn: Linear | undefined;
  readonly #latentOut: Linear | undefined;
  readonly #gate: ExpertLinear | undefined;
  readonly #up: ExpertLinear;
  readonly #down: ExpertLinear;
  readonly #shared: Mlp | undefined;

  /** Borrows the parameters of `expertsParameters(config, prefix)`. */
  constructor(config: ExpertsConfig, parameters: Parameters, prefix = "") {
    const find = (name: string) => parameter(parameters, prefix + name);
    const shared = sharedConfig(config);
    this.#config = config;
    this.#router = new Linear(find("router.weight"));
    this.#routerBias = config.scoreBias ? find("router.bias") : undefined;
    this.#latentIn = config.latent ? new Linear(find("latent_in_proj.weight")) : undefined;
    this.#latentOut = config.latent ? new Linear(find("latent_out_proj.weight")) : undefined;
    this.#gate = config.gated ? new ExpertLinear(find("gate_proj.weight")) : undefined;
    this.#up = new ExpertLinear(find("up_proj.weight"));
    this.#down = new ExpertLinear(find("down_proj.weight"));
    this.#shared = shared && new Mlp(shared, parameters, `${prefix}shared.`);
    const own = {
      router: this.#router,
      latent_in_proj: this.#latentIn,
      gate_proj: this.#gate,
      up_proj: this.#up,
      down_proj: this.#down,
      latent_out_proj: this.#latentOut,
    };
    this.linears = new Map<string, AnyLinear>([
      ...Object.entries(own).flatMap(([name, layer]) =>
        layer ? [[`${prefix}${name}.weight`, layer] as const] : [],
      ),
      ...(this.#shared?.linears ?? []),
    ]);
  }

  /** x [B, L, D] -> [B, L, D]. In training with `balance`, adds the balancing loss over the real positions. */
  forward(ops: Ops, x: Tensor, { sequences, training }: LayerContext = {}): Tensor {
    const [batch = 0, length = 0, width = 0] = x.shape;
    const { perToken, scoring, normalize, scale, balance, activation } = this.#config;
    const rows = ops.reshape(x, [batch * length, width]);
    const logits = this.#router.forward(ops, rows);
    const routing = ops.routeExperts({ logits, bias: this.#routerBias, perToken, scoring, normalize, scale });
    if (training && balance > 0) {
      const loss = balancingLoss(ops, logits, routing.experts, scoring, sequences);
      if (loss) training.addLoss(ops.scale(loss, balance));
    }
    const input = this.#latentIn?.forward(ops, rows) ?? rows;
    const gate = this.#gate?.forward(ops, input, routing.experts);
    const up = this.#up.forward(ops, input, routing.experts);
    const hidden = activated(ops, activation, gate, up); // [R, K, I]
    const outputs = this.#down.forward(ops, hidden, routing.experts); // [R, K, DE]
    const mixed = ops.combineExperts(outputs, routing.weights);
    const y = this.#latentOut?.forward(ops, mixed) ?? mixed;
    const all = this.#shared ? ops.add(y, this.#shared.forward(ops, rows)) : y;
    return ops.reshape(all, x.shape);
  }
}
