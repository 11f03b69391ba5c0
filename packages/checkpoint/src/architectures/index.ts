import { MambaError, type MambaLMConfig, resolveLMConfig } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { parseJsonObject } from "../json/parse.ts";
import { kindOfType } from "../models/modelTypes.ts";
import type { Architecture, StoredAs, TensorShapes } from "./architecture.ts";
import { falconMamba } from "./falconMamba.ts";
import { mamba } from "./mamba.ts";
import { mambaTs } from "./mambaTs.ts";
import { stateSpaces } from "./stateSpaces.ts";

/** Every known architecture. A model is written as the first that can describe it. */
export const architectures = [mamba, falconMamba, mambaTs, stateSpaces] as const;

/**
 * Form of a checkpoint: a model type of `transformers`, the original state-spaces form, or `mamba_ts` for models that
 * `transformers` does not have (Jamba-style inner norms, muP, no selection).
 */
export type ConfigFormat = (typeof architectures)[number]["format"];

/** The content of a config.json. */
export interface ParsedConfig {
  readonly format: ConfigFormat;
  readonly config: MambaLMConfig;
  /** Ids that end a text; empty when the config names none. */
  readonly eosIds: readonly number[];
  /**
   * The ids are the bytes of the text: the field `mamba_ts.byte_tokenizer`. Without the field, true for the type `mamba_ts` with
   * 256 or 257 ids.
   */
  readonly readsBytes: boolean;
}

/**
 * Reads a `config.json`: model types `mamba`, `falcon_mamba` and `mamba_ts`, or the original state-spaces form. Where the
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
  const architecture = architectures.find(({ matches }) => matches(json));
  if (architecture === undefined) throw unknownArchitecture(fields, name);
  const input = architecture.fromConfig(fields, tensors);
  try {
    const config = resolveLMConfig(input);
    const isByteModel = architecture === mambaTs && [256, 257].includes(config.vocabSize);
    const readsBytes = fields.object("mamba_ts")?.boolean("byte_tokenizer") ?? isByteModel;
    return { format: architecture.format, config, eosIds, readsBytes };
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: ${cause.message}`, { cause });
  }
}

/**
 * The config.json of a model, as `transformers` writes it where it has the model. Falcon-style norms make it
 * `falcon_mamba`; models that `transformers` does not have get the type `mamba_ts`, which it refuses.
 *
 */
export function hubConfig(config: MambaLMConfig, stored: StoredAs): object {
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
export function architectureFor(config: MambaLMConfig, format?: ConfigFormat): Architecture {
  // mambaTs describes every model.
  if (format === undefined)
    return architectures.find(({ obstacle }) => obstacle(config) === undefined) ?? mambaTs;
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
  const hint = type === "mamba2" ? ": Mamba-2 is another architecture, with scalar A per head" : "";
  return new CheckpointError(
    "UNSUPPORTED_MODEL",
    `${name}: model_type ${show(type)} cannot be loaded${hint}; expected ${formats()}`,
  );
}

function formats(): string {
  return architectures.map(({ format }) => format).join(", ");
}
