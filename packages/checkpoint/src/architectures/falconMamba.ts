import { fromHubConfig, toHubConfig } from "./hubConfig.ts";
import { hubObstacle, mambaArchitecture } from "./mambaForm.ts";

/** `FalconMambaForCausalLM` of transformers: Mamba with RMS norms, without weights, on the low-rank delta, B and C. */
export const falconMamba = mambaArchitecture({
  format: "falcon_mamba",
  table: "hub",
  matches: (json) => json["model_type"] === "falcon_mamba",
  fromConfig: (fields, tensors) => ({
    ...fromHubConfig(fields, tensors),
    innerNorms: "unweighted",
    innerNormEps: fields.number("mixer_rms_eps"),
  }),
  obstacle: (config) => hubObstacle(config, "unweighted"),
  toConfig: (config, stored) =>
    toHubConfig(config, stored, {
      modelType: "falcon_mamba",
      className: "FalconMambaForCausalLM",
      normFields: { mixer_rms_eps: config.innerNormEps },
    }),
});
