import { type LMConfig, MambaError, resolveLMConfig } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { parseJsonObject } from "../json/parse.ts";
import { kindOfType } from "../models/modelTypes.ts";
import type { Architecture, StoredAs, TensorShapes } from "./architecture.ts";
import { bamba } from "./bamba.ts";
import { falconH1 } from "./falconH1.ts";
import { falconMamba } from "./falconMamba.ts";
import { granite, graniteMoe } from "./granite.ts";
import { graniteMoeHybrid } from "./graniteMoeHybrid.ts";
import { jamba } from "./jamba.ts";
import { mamba } from "./mamba.ts";
import { mamba2 } from "./mamba2.ts";
import { mambaTs } from "./mambaTs.ts";
import { nemotronH } from "./nemotronH.ts";
import { stateSpaces } from "./stateSpaces.ts";

/** Every known architecture. A model is written as the first that can describe it. */
export const architectures = [
  mamba,
  falconMamba,
  mamba2,
  graniteMoeHybrid,
  falconH1,
  nemotronH,
  jamba,
  bamba,
  granite,
  graniteMoe,
  mambaTs,
  stateSpaces,
] as const;

/**
 * Form of a checkpoint: a model type of `transformers`, the original state-spaces form, or `mamba_ts` for models that
 * `transformers` does not have.
 */
export type ConfigFormat = (typeof architectures)[number]["format"];

/** The content of a config.json. */
export interface ParsedConfig {
  readonly format: ConfigFormat;
  readonly config: LMConfig;
  /** Ids that end a text; empty when the config names none. */
  readonly eosIds: readonly number[];
  /**
   * The ids are the bytes of the text: the field `mamba_ts.byte_tokenizer`. Without the field, true for the type `mamba_ts` with
   * 256 or 257 ids.
   */
  readonly readsBytes: boolean;
  /** Positions that the model was trained for: the field `max_position_embeddings`. */
  readonly contextLength: number | undefined;
}

/**
 * Reads a `config.json`: a model type of `architectures`, or the original state-spaces form. Where the
 * config has no field and `tensors` is given, the tensors decide: biases by their presence, vocabulary padding by the rows
 * of the table.
 *
 * @param name for messages, which begin with it
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, `UNSUPPORTED_MODEL`
 */
export function parseConfig(bytes: Uint8Array, tensors?: TensorShapes, name = "config.json"): ParsedConfig {
  const json = parseJsonObject(bytes, name);
  const fields = new Fields(json, name);
  const eosIds = fields.ids("eos_token_id") ?? [];
  const architecture = architectures.find((candidate: Architecture) => candidate.matches(json));
  if (architecture === undefined) throw unknownArchitecture(fields, name);
  try {
    const config = resolveLMConfig(architecture.fromConfig(fields, tensors));
    const isByteModel = architecture === mambaTs && [256, 257].includes(config.vocabSize);
    const readsBytes = fields.object("mamba_ts")?.boolean("byte_tokenizer") ?? isByteModel;
    const contextLength = fields.count("max_position_embeddings");
    return { format: architecture.format, config, eosIds, readsBytes, contextLength };
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}

/**
 * The config.json of a model, as `transformers` writes it where it has the model. Models that `transformers` does not have get the type
 * `mamba_ts`, which it refuses.
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL` for a model with modules that are not core's
 */
export function hubConfig(config: LMConfig, stored: StoredAs): object {
  return architectureFor(config).toConfig(config, stored);
}

/** @throws CheckpointError `UNSUPPORTED_MODEL` for an unknown format */
export function architectureOf(format: ConfigFormat): Architecture {
  const found = architectures.find((architecture) => architecture.format === format);
  if (found) return found;
  throw new CheckpointError("UNSUPPORTED_MODEL", `format must be ${formats()}, got ${show(format)}`);
}

/**
 * The architecture that a model is written as.
 *
 * @param format default: the first that can describe the model
 * @throws CheckpointError `UNSUPPORTED_MODEL` when `format` cannot describe it
 */
export function architectureFor(config: LMConfig, format?: ConfigFormat): Architecture {
  if (format === undefined) {
    const found = architectures.find((candidate: Architecture) => candidate.obstacle(config) === undefined);
    if (found) return found;
    const problem = `no format can describe a model with ${mambaTs.obstacle(config)}`;
    throw new CheckpointError("UNSUPPORTED_MODEL", problem);
  }
  const architecture = architectureOf(format);
  const obstacle = architecture.obstacle(config);
  if (obstacle === undefined) return architecture;
  const remedy = `save it as ${architectureFor(config).format}`;
  throw new CheckpointError(
    "UNSUPPORTED_MODEL",
    `the format ${format} cannot describe a model with ${obstacle}; ${remedy}`,
  );
}

function unknownArchitecture(fields: Fields, name: string): CheckpointError {
  const type = fields.get("model_type");
  if (type === undefined)
    return new CheckpointError("CONFIG", `${name}: there is neither model_type nor d_model`);
  const kind = kindOfType(type);
  if (kind !== undefined) {
    const problem = `${name}: model_type ${show(type)} is a ${kind} model and no language model`;
    return new CheckpointError(
      "UNSUPPORTED_MODEL",
      `${problem}; load it with loadModel, or use it with mamba predict`,
    );
  }
  return new CheckpointError(
    "UNSUPPORTED_MODEL",
    `${name}: model_type ${show(type)} cannot be loaded; expected ${formats()}`,
  );
}

function formats(): string {
  return architectures.map(({ format }) => format).join(", ");
}
