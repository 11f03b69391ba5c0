import type { Architecture } from "./architecture.ts";
import { fromHubConfig, toHubConfig } from "./hubConfig.ts";
import { mambaSources, unusedHead } from "./mambaParameters.ts";

/** `FalconMambaForCausalLM` of transformers: Mamba with RMS norms, without weights, on the low-rank delta, B and C. */
export const falconMamba = {
  format: "falcon_mamba",
  matches: (json) => json["model_type"] === "falcon_mamba",
  fromConfig: (fields, tensors) => ({
    ...fromHubConfig(fields, tensors),
    innerNorms: "unweighted",
    innerNormEps: fields.number("mixer_rms_eps"),
  }),
  obstacle: ({ innerNorms, mupBaseWidth, selective }) => {
    if (innerNorms !== "unweighted") return `innerNorms ${innerNorms}`;
    if (mupBaseWidth !== undefined) return "mupBaseWidth";
    return selective ? undefined : "selective false";
  },
  toConfig: (config, stored) =>
    toHubConfig(config, stored, {
      modelType: "falcon_mamba",
      className: "FalconMambaForCausalLM",
      normFields: { mixer_rms_eps: config.innerNormEps },
    }),
  sources: (config) => mambaSources(config, "hub"),
  unused: unusedHead,
} as const satisfies Architecture;
