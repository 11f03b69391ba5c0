import {
  type HybridLMConfig,
  type HybridLMConfigInput,
  isHybrid,
  MambaError,
  resolveLMConfig,
} from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import { Fields } from "../../json/fields.ts";
import type { Architecture, StoredAs, TensorShapes } from "../architecture.ts";
import { unusedHead } from "../mambaParameters.ts";
import { difference } from "./difference.ts";
import { hubSources, type HubNames } from "./hubSources.ts";

/** A form of checkpoint whose models are stacks of several kinds of layers. */
export interface HybridForm {
  readonly format: string;
  readonly prefix: Architecture["prefix"];
  matches(json: JsonObject): boolean;
  fromConfig(fields: Fields, tensors?: TensorShapes): HybridLMConfigInput;
  /**
   * A config.json from the first module of each kind. It need not find out whether the form has the model: that is known when
   * `fromConfig` reads it again.
   *
   * @throws CheckpointError `UNSUPPORTED_MODEL` when a kind of module is lacking
   */
  toConfig(config: HybridLMConfig, stored: StoredAs): object;
  /** Names of the parameters in a file. */
  names(config: HybridLMConfig, tensors?: TensorShapes): HubNames;
  /** Tensors that files may hold beside the model: names for which this is true, and the reason. */
  readonly skipped?: { readonly pattern: RegExp; readonly reason: string };
}

/** An architecture of a form of hybrid. It can describe a model when the config that it writes is read as the same model. */
export function hybridArchitecture<F extends string>(
  form: HybridForm & { readonly format: F },
): Architecture & { readonly format: F } {
  const { format, prefix, skipped } = form;
  return {
    format,
    prefix,
    matches: (json) => form.matches(json),
    fromConfig: (fields, tensors) => form.fromConfig(fields, tensors),
    obstacle: (config) => (isHybrid(config) ? hybridObstacle(form, config) : "equal Mamba blocks alone"),
    toConfig: (config, stored) => form.toConfig(asHybrid(config, format), stored),
    sources: (config, tensors) => {
      const hybrid = asHybrid(config, format);
      return hubSources(hybrid, form.names(hybrid, tensors));
    },
    unused: unusedHead,
    ...(skipped && { skipped }),
  };
}

/** The config of a model that was checked to be a hybrid. */
function asHybrid(config: Parameters<Architecture["sources"]>[0], format: string): HybridLMConfig {
  if (isHybrid(config)) return config;
  throw new CheckpointError("UNSUPPORTED_MODEL", `${format} has no form for equal Mamba blocks alone`);
}

/** The reason why a form cannot describe a model: the first difference of the model that is read from what it writes. */
export function hybridObstacle(
  form: Pick<HybridForm, "fromConfig" | "toConfig">,
  config: HybridLMConfig,
): string | undefined {
  try {
    const json = form.toConfig(config, { dtype: "f32", stopIds: [] });
    const fields = new Fields(json as JsonObject, "config.json");
    return difference(config, resolveLMConfig(form.fromConfig(fields)));
  } catch (error) {
    if (CheckpointError.is(error) || MambaError.is(error)) return error.message;
    throw error;
  }
}
