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

/** The name of the template for conversations that have none of their own. */
const defaultName = "default";
/** The file of the default template, and the folder of those with other names. */
export const templateFile = "chat_template.jinja";
export const templateFolder = "additional_chat_templates";
const namedTemplate = new RegExp(`^${templateFolder}/([A-Za-z0-9_][A-Za-z0-9_-]{0,63})\\.jinja$`);

/** The name of the chat template that a file holds, or undefined for other files. */
export function templateNameOf(file: string): string | undefined {
  return file === templateFile ? defaultName : namedTemplate.exec(file)?.[1];
}

/**
 * The chat templates by name: the files chat_template.jinja and additional_chat_templates/NAME.jinja; without the first, also the field
 * `chat_template` of tokenizer_config.json, which is a text or a list of named ones.
 *
 * @throws CheckpointError `JSON` when a file is not UTF-8
 */
export function chatTemplatesOf(
  config: JsonObject | undefined,
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, bytes] of files) {
    const named = templateNameOf(name);
    if (named !== undefined) found.set(named, decodeTemplate(name, bytes));
  }
  if (found.has(defaultName)) return found;
  const field = config?.["chat_template"];
  if (typeof field === "string") return found.set(defaultName, field);
  for (const entry of Array.isArray(field) ? (field as readonly Json[]) : []) {
    const { name, template } = isObject(entry) ? entry : {};
    if (typeof name === "string" && typeof template === "string" && !found.has(name))
      found.set(name, template);
  }
  return found;
}

function decodeTemplate(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError("JSON", `${name}: not UTF-8 text`, { cause });
  }
}

/** The text of a field that is a string, or an added token with a `content`. */
export function contentOf(json: Json | undefined): string | undefined {
  const content = isObject(json) ? json["content"] : json;
  return typeof content === "string" ? content : undefined;
}
