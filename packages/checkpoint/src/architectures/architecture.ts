import type { LMConfig, LMConfigInput } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import type { FloatDType, Shape } from "@mamba/kernel";
import type { Fields } from "../json/fields.ts";
import type { ParameterSource } from "./parameterSource.ts";

/** One form of checkpoint: how its config.json describes a model, and how its tensors hold the parameters. */
export interface Architecture {
  /** Name of the form: the `model_type` of config.json where it has one. */
  readonly format: string;
  /** Prefix of the names of tensors. Wrappers of training programs before it, and a lack of it, are read over. */
  readonly prefix: "backbone." | "model.";
  /** True when `json`, a config.json, has this form. */
  matches(json: JsonObject): boolean;
  /**
   * Reads a config.json. Where the config has no field and `tensors` is given, the tensors decide.
   *
   * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`
   */
  fromConfig(fields: Fields, tensors?: TensorShapes): LMConfigInput;
  /** The reason why this form cannot describe a model, as "innerNorms weighted"; undefined when it can. */
  obstacle(config: LMConfig): string | undefined;
  /** The config.json of a model. `fromConfig` reads the same model from it. */
  toConfig(config: LMConfig, stored: StoredAs): object;
  /**
   * The place of every parameter in the file, in the order of core's parameters.
   *
   * @param tensors those of a file, where a form has several layouts. Default: the layout that is written
   */
  sources(config: LMConfig, tensors?: TensorShapes): readonly ParameterSource[];
  /** Tensors that a file may hold although the model does not use them; the value is the reason. */
  unused(config: LMConfig): ReadonlyMap<string, string>;
  /** Names of other tensors that are not read, such as those of a further head, and the reason. */
  readonly skipped?: { readonly pattern: RegExp; readonly reason: string };
}

/** Facts in a config.json that are not part of the model's config. */
export interface StoredAs {
  /** Storage type of the large matrices. */
  readonly dtype: FloatDType;
  /** Ids that end a text. */
  readonly stopIds: readonly number[];
  /** The ids are the bytes of the text. */
  readonly readsBytes?: boolean | undefined;
  /** Positions that the model was trained for: `max_position_embeddings`. */
  readonly contextLength?: number | undefined;
}

/** Shapes by tensor name: the weights beside a config. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: Shape }>;
