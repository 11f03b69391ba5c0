import { type HybridLMConfig, isHybrid, type MambaLMConfig } from "@mamba/core";
import type { Architecture, StoredAs } from "./architecture.ts";
import { commonFields, fromHubConfig, innerNormName, toHubConfig } from "./hubConfig.ts";
import { describedLayers, layersObstacle, readLayers } from "./hybrid/describedLayers.ts";
import { modelFields } from "./hybrid/hubFields.ts";
import { hubSources } from "./hybrid/hubSources.ts";
import { mamba2Names } from "./mamba2.ts";
import { mambaSources, tableNames, unusedHead } from "./mambaParameters.ts";

/**
 * Models that `transformers` does not have: Jamba-style inner norms, muP and no selection in Mamba-1, and stacks of other layers. It
 * refuses their model type; under the type `mamba` it would load them and compute something else.
 */
export const mambaTs = {
  format: "mamba_ts",
  prefix: "backbone.",
  matches: (json) => json["model_type"] === "mamba_ts",
  fromConfig: (fields, tensors) => {
    const own = fields.object("mamba_ts");
    if (own?.get("layers") === undefined) return fromHubConfig(fields, tensors);
    return {
      ...modelFields(fields, tensors, Object.values(tableNames)),
      rmsNormEps: fields.number("layer_norm_epsilon"),
      embeddingScale: own.number("embedding_scale"),
      logitScale: own.number("logit_scale"),
      finalNorm: own.boolean("final_norm"),
      layers: readLayers(own),
    };
  },
  obstacle: (config) => (isHybrid(config) ? layersObstacle(config) : undefined),
  toConfig: (config, stored) =>
    isHybrid(config) ? hybridFields(config, stored) : mambaFields(config, stored),
  sources: (config) => (isHybrid(config) ? hubSources(config, ownNames) : mambaSources(config, "hub")),
  unused: unusedHead,
} as const satisfies Architecture;

/** Core's names of all parameters. */
const ownNames: Parameters<typeof hubSources>[1] = {
  ...mamba2Names,
  tensors: ({ spec }) => spec.name.replace(/^backbone\.layers\.\d+\./, ""),
};

function hybridFields(config: HybridLMConfig, stored: StoredAs): object {
  const own = {
    embedding_scale: config.embeddingScale,
    logit_scale: config.logitScale,
    final_norm: config.finalNorm,
    ...describedLayers(config),
  };
  return {
    ...commonFields(config, stored, { modelType: "mamba_ts", className: undefined, own }),
    num_hidden_layers: config.nLayers,
    layer_norm_epsilon: config.rmsNormEps,
  };
}

function mambaFields(config: MambaLMConfig, stored: StoredAs): object {
  return toHubConfig(config, stored, {
    modelType: "mamba_ts",
    className: undefined,
    own: {
      inner_norms: innerNormName(config),
      inner_norm_eps: config.innerNormEps,
      ...(config.mupBaseWidth !== undefined && { mup_base_width: config.mupBaseWidth }),
      ...(!config.selective && { selective: false }),
    },
  });
}
