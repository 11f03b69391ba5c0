import {
  type ImagesData,
  MambaError,
  type ModelData,
  resolveSequenceConfig,
  resolveVisionConfig,
  type SequenceConfig,
  type SequenceConfigInput,
  type SequenceModel,
  type SeriesData,
  type VisionConfig,
  type VisionConfigInput,
  type VisionMamba,
} from "@mamba/core";
import { isObject, type JsonObject, show } from "@mamba/core/safetensors";
import type { FloatDType } from "@mamba/kernel";
import { torchNames } from "../architectures/hubConfig.ts";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { configCap, parseJsonObject } from "../json/parse.ts";
import { imagesData, seriesData } from "./modelData.ts";
import { kindOfType, modelTypes } from "./modelTypes.ts";

/** The models that `saveModel` writes. */
export type SavedModel = SequenceModel | VisionMamba;

/** The content of the config.json of such a model. */
export type ModelConfig =
  | { readonly kind: "sequence"; readonly config: SequenceConfig; readonly data: SeriesData | undefined }
  | { readonly kind: "vision"; readonly config: VisionConfig; readonly data: ImagesData | undefined };

/** The config of a model with its data, which is checked. */
export function describeModel(model: SavedModel, data: ModelData | undefined): ModelConfig {
  const json = data as unknown as JsonObject | undefined;
  if (json !== undefined && !isObject(json)) {
    throw new CheckpointError("CONFIG", `data must be an object, got ${show(json)}`);
  }
  const { kind, config } = model;
  if (kind === "vision") return { kind, config, data: json && imagesData(json, config, "data") };
  // A language model has no kind.
  if ((kind as unknown) !== "sequence") {
    const remedy = "save a language model with saveCheckpoint";
    throw new CheckpointError(
      "UNSUPPORTED_MODEL",
      `the model must be a sequence or a vision model; ${remedy}`,
    );
  }
  if (config.stack) {
    const remedy = "write its parameters with writeSafetensors, and build the stack again to read them";
    throw new CheckpointError(
      "UNSUPPORTED_MODEL",
      `a model with a stack of its own cannot be saved, since no config can describe it; ${remedy}`,
    );
  }
  return { kind, config, data: json && seriesData(json, config, "data") };
}

/**
 * The config.json of a model. `parseModelConfig` reads the same from it.
 *
 * @param dtype storage type of the large matrices
 * @throws CheckpointError `TOO_LARGE` when it would be larger than what `loadModel` reads
 */
export function modelConfigBytes({ kind, config, data }: ModelConfig, dtype: FloatDType): Uint8Array {
  const own = { config, ...(data && { data }) };
  const json = { model_type: modelTypes[kind], torch_dtype: torchNames[dtype], mamba_ts: own };
  const bytes = new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
  if (bytes.length <= configCap) return bytes;
  throw new CheckpointError(
    "TOO_LARGE",
    `config.json would have ${bytes.length} bytes, more than the ${configCap} allowed; shorten the names in data`,
  );
}

/**
 * Reads the config.json of a model that `saveModel` wrote.
 *
 * @param name for messages, which begin with it
 * @returns undefined for a config.json of another `model_type`
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `CONFIG`, naming the field
 */
export function parseModelConfig(bytes: Uint8Array, name: string): ModelConfig | undefined {
  const json = parseJsonObject(bytes, name);
  const kind = kindOfType(json["model_type"]);
  if (kind === undefined) return undefined;
  const own = objectAt(json, "mamba_ts", name);
  new Fields(own, `${name}: mamba_ts`).checkKnown(["config", "data"]);
  const input = objectAt(own, "config", `${name}: mamba_ts`);
  const data = own["data"] === undefined ? undefined : objectAt(own, "data", `${name}: mamba_ts`);
  const where = `${name}: mamba_ts: data`;
  try {
    if (kind === "vision") {
      const config = resolveVisionConfig(input as unknown as VisionConfigInput);
      return { kind, config, data: data && imagesData(data, config, where) };
    }
    checkNoStack(input, `${name}: mamba_ts: config`);
    const config = resolveSequenceConfig(input as unknown as SequenceConfigInput);
    return { kind, config, data: data && seriesData(data, config, where) };
  } catch (cause) {
    if (!MambaError.is(cause)) throw cause;
    throw new CheckpointError("CONFIG", `${name}: mamba_ts: ${cause.message}`, { cause });
  }
}

/** A stack is code, which no file has. */
function checkNoStack(input: JsonObject, name: string): void {
  if (!("stack" in input)) return;
  throw new CheckpointError("CONFIG", `${name}: the field stack cannot be read from a file`);
}

function objectAt(json: JsonObject, key: string, name: string): JsonObject {
  const value = json[key];
  if (isObject(value)) return value;
  throw new CheckpointError("CONFIG", `${name}: the field ${key} must be an object, got ${show(value)}`);
}
