import { isHybrid, type LMConfig, type MambaLMConfig, type MambaLMConfigInput } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import type { Architecture, StoredAs, TensorShapes } from "./architecture.ts";
import { mambaSources, type tableNames, unusedHead } from "./mambaParameters.ts";

/** A form of checkpoint whose models are stacks of equal Mamba-1 blocks. */
export interface MambaForm {
  readonly format: string;
  matches(json: JsonObject): boolean;
  fromConfig(fields: Fields, tensors?: TensorShapes): MambaLMConfigInput;
  /** See `Architecture.obstacle`. */
  obstacle(config: MambaLMConfig): string | undefined;
  toConfig(config: MambaLMConfig, stored: StoredAs): object;
  /** The name of the embedding table in files that are written. */
  readonly table: keyof typeof tableNames;
}

/** An architecture of a form of Mamba-1 models. */
export function mambaArchitecture<F extends string>(
  form: MambaForm & { readonly format: F },
): Architecture & { readonly format: F } {
  const { format, table } = form;
  const own = (config: LMConfig): MambaLMConfig => {
    if (!isHybrid(config)) return config;
    throw new CheckpointError("UNSUPPORTED_MODEL", `${format} has no form for layers of several kinds`);
  };
  return {
    format,
    prefix: "backbone.",
    matches: (json) => form.matches(json),
    fromConfig: (fields, tensors) => form.fromConfig(fields, tensors),
    obstacle: (config) => (isHybrid(config) ? "layers of its own" : form.obstacle(config)),
    toConfig: (config, stored) => form.toConfig(own(config), stored),
    sources: (config) => mambaSources(own(config), table),
    unused: unusedHead,
  };
}

/** The reason why the types of transformers for Mamba-1 cannot describe a model with these inner norms. */
export function hubObstacle(
  { innerNorms, mupBaseWidth, selective }: MambaLMConfig,
  expected: MambaLMConfig["innerNorms"],
): string | undefined {
  if (innerNorms !== expected) return `innerNorms ${innerNorms}`;
  if (mupBaseWidth !== undefined) return "mupBaseWidth";
  return selective ? undefined : "selective false";
}
