import { isObject, type Json, type JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

/** A token by its text and id. */
export interface NamedToken {
  readonly text: string;
  readonly id: number;
}

/** Tokens that begin a text, end it, pad a batch, and stand for unknown text. */
export interface NamedTokens {
  readonly bos?: NamedToken;
  readonly eos?: NamedToken;
  readonly pad?: NamedToken;
  readonly unk?: NamedToken;
}

/** The tokens that a tokenizer_config.json names; those that the vocabulary does not have are left out. */
export function namedTokens(config: JsonObject | undefined, ids: ReadonlyMap<string, number>): NamedTokens {
  const names = ["bos", "eos", "pad", "unk"] as const;
  const found = names.flatMap((name) => {
    const text = contentOf(config?.[`${name}_token`]);
    const id = text === undefined ? undefined : ids.get(text);
    return text === undefined || id === undefined ? [] : [[name, { text, id }] as const];
  });
  return Object.fromEntries(found);
}

/** Texts of the tokens that a tokenizer_config.json calls special, beside those of the tokenizer.json. */
export function additionalSpecialTokens(config: JsonObject | undefined): ReadonlySet<string> {
  const listed = config?.["additional_special_tokens"];
  const texts = (Array.isArray(listed) ? (listed as readonly Json[]) : []).map(contentOf);
  return new Set(texts.filter((text) => text !== undefined));
}

/**
 * The chat template: chat_template.jinja, or the field `chat_template` of tokenizer_config.json, which is a text or a list with
 * one that is named "default".
 *
 * @throws CheckpointError `JSON` when chat_template.jinja is not UTF-8
 */
export function chatTemplateOf(
  config: JsonObject | undefined,
  file: Uint8Array | undefined,
): string | undefined {
  if (file) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(file);
    } catch (cause) {
      throw new CheckpointError("JSON", "chat_template.jinja: not UTF-8 text", { cause });
    }
  }
  const template = config?.["chat_template"];
  if (typeof template === "string") return template;
  const list: readonly Json[] = Array.isArray(template) ? (template as readonly Json[]) : [];
  const named = list.find((entry) => isObject(entry) && entry["name"] === "default");
  return isObject(named) && typeof named["template"] === "string" ? named["template"] : undefined;
}

/** The text of a field that is a string, or an added token with a `content`. */
export function contentOf(json: Json | undefined): string | undefined {
  const content = isObject(json) ? json["content"] : json;
  return typeof content === "string" ? content : undefined;
}
