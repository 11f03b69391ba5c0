import type { Architecture } from "./architecture.ts";
import { fromHubConfig, toHubConfig } from "./hubConfig.ts";
import { mambaSources, unusedHead } from "./mambaParameters.ts";

/** `MambaForCausalLM` of transformers: the Mamba paper's model. */
export const mamba = {
  format: "mamba",
  matches: (json) => json["model_type"] === "mamba",
  fromConfig: fromHubConfig,
  obstacle: ({ innerNorms, mupBaseWidth, selective }) => {
    if (innerNorms !== "none") return `innerNorms ${innerNorms}`;
    if (mupBaseWidth !== undefined) return "mupBaseWidth";
    return selective ? undefined : "selective false";
  },
  toConfig: (config, stored) =>
    toHubConfig(config, stored, { modelType: "mamba", className: "MambaForCausalLM" }),
  sources: (config) => mambaSources(config, "hub"),
  unused: unusedHead,
} as const satisfies Architecture;
