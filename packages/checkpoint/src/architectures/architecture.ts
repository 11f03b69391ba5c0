import type { MambaLMConfig, MambaLMConfigInput } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import type { FloatDType, Shape } from "@mamba/kernel";
import type { Fields } from "../json/fields.ts";
import type { ParameterSource } from "./parameterSource.ts";

/** One form of checkpoint: how its config.json describes a model, and how its tensors hold the parameters. */
export interface Architecture {
  /** Name of the form: the `model_type` of config.json where it has one. */
  readonly format: string;
  /** True when `json`, a config.json, has this form. */
  matches(json: JsonObject): boolean;
  /**
   * Reads a config.json. Where the config has no field and `tensors` is given, the tensors decide.
   *
   * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`
   */
  fromConfig(fields: Fields, tensors?: TensorShapes): MambaLMConfigInput;
  /** The reason why this form cannot describe a model, as "innerNorms weighted"; undefined when it can. */
  obstacle(config: MambaLMConfig): string | undefined;
  /** The config.json of a model. `fromConfig` reads the same model from it. */
  toConfig(config: MambaLMConfig, stored: StoredAs): object;
  /** The place of every parameter in the file, in the order of core's parameters. */
  sources(config: MambaLMConfig): readonly ParameterSource[];
  /** Tensors that a file may hold although the model does not use them; the value is the reason. */
  unused(config: MambaLMConfig): ReadonlyMap<string, string>;
}

/** Facts in a config.json that are not part of the model's config. */
export interface StoredAs {
  /** Storage type of the large matrices. */
  readonly dtype: FloatDType;
  /** Ids that end a text. */
  readonly stopIds: readonly number[];
  /** The ids are the bytes of the text. */
  readonly readsBytes?: boolean | undefined;
}

/** Shapes by tensor name: the weights beside a config. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: Shape }>;
