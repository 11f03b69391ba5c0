import type { Architecture } from "./architecture.ts";
import { fromHubConfig, innerNormName, toHubConfig } from "./hubConfig.ts";
import { mambaSources, unusedHead } from "./mambaParameters.ts";

/**
 * Mamba models that `transformers` does not have: Jamba-style inner norms, muP, no selection. It refuses their model
 * type; under the type `mamba` it would load them and compute something else.
 */
export const mambaTs = {
  format: "mamba_ts",
  matches: (json) => json["model_type"] === "mamba_ts",
  fromConfig: fromHubConfig,
  obstacle: () => undefined,
  toConfig: (config, stored) =>
    toHubConfig(config, stored, {
      modelType: "mamba_ts",
      className: undefined,
      own: {
        inner_norms: innerNormName(config),
        inner_norm_eps: config.innerNormEps,
        ...(config.mupBaseWidth !== undefined && { mup_base_width: config.mupBaseWidth }),
        ...(!config.selective && { selective: false }),
      },
    }),
  sources: (config) => mambaSources(config, "hub"),
  unused: unusedHead,
} as const satisfies Architecture;
