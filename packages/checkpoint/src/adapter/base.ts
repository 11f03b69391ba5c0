import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { configCap, parseJsonObject } from "../json/parse.ts";
import { type CheckpointFiles, readOptional } from "../sources/source.ts";
import { chatTemplatesOf, templateFile } from "../tokenizer/tokenizerConfig.ts";
import { adapterConfigFile } from "./sources.ts";

/**
 * The base model that an adapter names in its config; undefined for a place that holds a model: one with a config.json, or
 * without an adapter_config.json.
 *
 * @throws CheckpointError `CONFIG` when an adapter names none, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE`
 */
export async function readAdapterBase(files: CheckpointFiles): Promise<string | undefined> {
  const config = await files.open("config.json");
  await config?.close();
  const bytes = config ? undefined : await readOptional(files, adapterConfigFile, configCap);
  if (!bytes) return undefined;
  const name = `${files.label}: ${adapterConfigFile}`;
  const base = new Fields(parseJsonObject(bytes, name), name).string("base_model_name_or_path");
  if (base !== undefined && base !== "") return base;
  const message = `${name} names no base model; give the base as the model, and this place as its adapter`;
  throw new CheckpointError("CONFIG", message);
}

/**
 * The chat templates of an adapter that was trained with one of its own: its chat_template.jinja. Empty where there is none.
 *
 * @throws CheckpointError `JSON` when the file is not UTF-8, `TOO_LARGE`, and the codes of the place
 */
export async function readAdapterTemplates(files: CheckpointFiles): Promise<ReadonlyMap<string, string>> {
  const bytes = await readOptional(files, templateFile, configCap);
  return chatTemplatesOf(undefined, new Map(bytes && [[templateFile, bytes]]));
}

/** The error for a base that is in no place that the adapter may name. */
export function unreachableBase(label: string, base: string, places: string): CheckpointError {
  const message = `${label}: its base model ${show(base)} is neither ${places}; give the base as the model, and this place as its adapter`;
  return new CheckpointError("NOT_FOUND", message);
}
