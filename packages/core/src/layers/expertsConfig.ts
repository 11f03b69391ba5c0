import type { RouteScoring } from "@mamba/kernel";
import { check, checkChoice, checkFlag, checkWhole, inRange } from "./checkField.ts";
import { type Activation, checkActivation } from "./mlp.ts";
import {
  checkFactor,
  checkFields,
  type ModuleConfigInput,
  resolveStart,
  type StartConfig,
} from "./moduleConfig.ts";

/** Sizes and rules of a mixture of experts. */
export interface ExpertsConfig extends StartConfig {
  /** Width of the residual stream, D. */
  readonly dModel: number;
  /** Width of the hidden layer of each expert, I. */
  readonly dHidden: number;
  /** Experts, E. */
  readonly experts: number;
  /** Experts that each position uses, K. */
  readonly perToken: number;
  /**
   * The scores of the router: "softmax" over all experts (Jamba), "topSoftmax" over the chosen ones (Granite), "sigmoid" of each logit
   * (Nemotron-H). Default "softmax".
   */
  readonly scoring: RouteScoring;
  /**
   * A bias `router.bias`, which is added to the scores of the choice and not to the weights; only for "sigmoid". It has no gradient, and training leaves it as
   * it is. Default false.
   */
  readonly scoreBias: boolean;
  /** Divides the scores of the chosen experts by their sum. Default false. */
  readonly normalize: boolean;
  /** Multiplies the weights of the experts. Default 1. */
  readonly scale: number;
  /** The activation of the experts and the shared MLP. Default "silu". */
  readonly activation: Activation;
  /** See `MlpConfig.gated`, for experts and the shared MLP. Default true. */
  readonly gated: boolean;
  /** An MLP that every position uses beside its experts. Default undefined, none. */
  readonly shared: { readonly dHidden: number } | undefined;
  /**
   * Width of the input and output of the experts, between two projections of their own; router and shared MLP keep the full width.
   * Default undefined: dModel, without projections.
   */
  readonly latent: number | undefined;
  /**
   * Weight of the loss that balances the experts in training (Fedus et al. 2021, equation 4): `E · sum(load · meanScore)`, 1 when they are in balance. Default 0, none.
   */
  readonly balance: number;
}

export type ExpertsConfigInput = ModuleConfigInput<
  ExpertsConfig,
  "dModel" | "dHidden" | "experts" | "perToken"
>;

const fields: Readonly<Record<keyof ExpertsConfig, true>> = {
  dModel: true,
  dHidden: true,
  experts: true,
  perToken: true,
  scoring: true,
  scoreBias: true,
  normalize: true,
  scale: true,
  activation: true,
  gated: true,
  shared: true,
  latent: true,
  balance: true,
  initializerRange: true,
  nLayers: true,
};

/**
 * Fills in the defaults of a mixture of experts and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveExpertsConfig(input: ExpertsConfigInput): ExpertsConfig {
  checkFields("experts", input, Object.keys(fields));
  const { dModel, dHidden, experts, perToken, shared, latent } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  checkWhole("dHidden", dHidden, 1, 2 ** 24);
  checkWhole("experts", experts, 1, 1024);
  checkWhole("perToken", perToken, 1, Math.min(experts, 64));
  const config: ExpertsConfig = {
    dModel,
    dHidden,
    experts,
    perToken,
    scoring: input.scoring ?? "softmax",
    scoreBias: input.scoreBias ?? false,
    normalize: input.normalize ?? false,
    scale: input.scale ?? 1,
    activation: input.activation ?? "silu",
    gated: input.gated ?? true,
    shared: shared && { dHidden: shared.dHidden },
    latent,
    balance: input.balance ?? 0,
    ...resolveStart(input),
  };
  checkChoice("scoring", config.scoring, ["softmax", "topSoftmax", "sigmoid"]);
  for (const field of ["scoreBias", "normalize", "gated"] as const) checkFlag(field, config[field]);
  const biased = config.scoreBias;
  check("scoreBias", biased, !biased || config.scoring === "sigmoid", 'false unless scoring is "sigmoid"');
  checkFactor("scale", config.scale);
  checkActivation(config.activation);
  if (shared !== undefined) {
    checkFields("experts shared", shared, ["dHidden"]);
    checkWhole("shared.dHidden", shared.dHidden, 1, 2 ** 24);
  }
  if (latent !== undefined) checkWhole("latent", latent, 1, 2 ** 20);
  check("balance", config.balance, inRange(config.balance, 0, 1e6), "a number from 0 to 1e6");
  return config;
}
