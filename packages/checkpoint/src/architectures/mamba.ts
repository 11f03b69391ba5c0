import { fromHubConfig, toHubConfig } from "./hubConfig.ts";
import { hubObstacle, mambaArchitecture } from "./mambaForm.ts";

/** `MambaForCausalLM` of transformers: the Mamba paper's model. */
export const mamba = mambaArchitecture({
  format: "mamba",
  table: "hub",
  matches: (json) => json["model_type"] === "mamba",
  fromConfig: fromHubConfig,
  obstacle: (config) => hubObstacle(config, "none"),
  toConfig: (config, stored) =>
    toHubConfig(config, stored, { modelType: "mamba", className: "MambaForCausalLM" }),
});
