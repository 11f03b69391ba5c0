import type { JsonObject } from "@mamba/core/safetensors";
import type { MetadataFields } from "./fields.ts";

/** The prefix of the keys of a tokenizer. */
export const prefix = "tokenizer.ggml.";

/** Longest chat template in characters. */
const maxTemplate = 2 ** 20;
const maxTemplates = 64;

/** Ids of the tokens with a function, by the names of GGUF. */
export interface SpecialIds {
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly unknown: number | undefined;
  readonly padding: number | undefined;
  /** Ids that end a text: the end of the text, of a turn, of a message. */
  readonly stopIds: readonly number[];
}

/**
 * The tokens with a function. One that is beyond the vocabulary is left out, as llama.cpp does, and `notes` says so.
 *
 * @param defaults ids of a kind of tokenizer for keys that are missing
 */
export function readSpecialIds(
  fields: MetadataFields,
  count: number,
  defaults: { readonly bos?: number; readonly eos?: number; readonly unknown?: number },
  notes: string[],
): SpecialIds {
  const idOf = (name: string, missing?: number): number | undefined => {
    const key = `${prefix}${name}_token_id`;
    const id = fields.integer(key) ?? missing;
    if (id === undefined || (id >= 0 && id < count)) return id;
    if (fields.has(key))
      notes.push(`${key} is ${id}, and the vocabulary has ${count} tokens: it was not used`);
    return undefined;
  };
  const eos = idOf("eos", defaults.eos);
  const stops = [eos, idOf("eot"), idOf("eom")].filter((id) => id !== undefined);
  return {
    bos: idOf("bos", defaults.bos),
    eos,
    unknown: idOf("unknown", defaults.unknown),
    padding: idOf("padding"),
    stopIds: [...new Set(stops)],
  };
}

/** The tokens that begin and end a text, by the flags of the metadata. */
export function readMarks(
  fields: MetadataFields,
  { bos, eos }: SpecialIds,
  addsBos: boolean,
  notes: string[],
): { readonly before: number | undefined; readonly after: number | undefined } {
  const mark = (flag: string, id: number | undefined, missing: boolean): number | undefined => {
    if (!(fields.boolean(prefix + flag) ?? missing)) return undefined;
    if (id === undefined) notes.push(`${prefix}${flag} is true, and there is no such token: none is added`);
    return id;
  };
  return { before: mark("add_bos_token", bos, addsBos), after: mark("add_eos_token", eos, false) };
}

/** The component of a tokenizer.json that puts tokens around a text; null without any. */
export function postProcessor(
  { before, after }: ReturnType<typeof readMarks>,
  textOf: (id: number) => string,
): JsonObject | null {
  if (before === undefined && after === undefined) return null;
  const tokens = [before, after].filter((id) => id !== undefined);
  const special = (id: number | undefined) =>
    id === undefined ? [] : [{ SpecialToken: { id: textOf(id), type_id: 0 } }];
  const single = [...special(before), { Sequence: { id: "A", type_id: 0 } }, ...special(after)];
  const pair = [...single, { Sequence: { id: "B", type_id: 1 } }, ...special(after)];
  const named = tokens.map((id): [string, JsonObject] => {
    const text = textOf(id);
    return [text, { id: text, ids: [id], tokens: [text] }];
  });
  return { type: "TemplateProcessing", single, pair, special_tokens: objectOf(named) };
}

/**
 * The tokenizer_config.json: the tokens with a function, and the chat templates, which are texts that nothing here executes.
 *
 * @param textOf undefined for an id that has no text
 */
export function tokenizerConfig(
  fields: MetadataFields,
  { bos, eos, unknown, padding }: SpecialIds,
  textOf: (id: number) => string | undefined,
): JsonObject {
  const named = { bos_token: bos, eos_token: eos, unk_token: unknown, pad_token: padding };
  const texts = Object.entries(named).flatMap(([name, id]): [string, string][] => {
    const text = id === undefined ? undefined : textOf(id);
    return text === undefined ? [] : [[name, text]];
  });
  const template = readTemplates(fields);
  return {
    ...Object.fromEntries(texts),
    clean_up_tokenization_spaces: false,
    tokenizer_class: "PreTrainedTokenizerFast",
    ...(template !== undefined && { chat_template: template }),
  };
}

/** The chat template, or a list of named ones as tokenizer_config.json has it. */
function readTemplates(fields: MetadataFields): string | JsonObject[] | undefined {
  const key = "tokenizer.chat_template";
  const template = fields.string(key, maxTemplate);
  const names = fields.strings("tokenizer.chat_templates", maxTemplates) ?? [];
  const named = names.flatMap((name) => {
    const found = fields.string(`${key}.${name}`, maxTemplate);
    return found === undefined ? [] : [{ name, template: found }];
  });
  if (named.length === 0) return template;
  return [...(template === undefined ? [] : [{ name: "default", template }]), ...named];
}

/** An object whose keys may be any text. */
export function objectOf<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const object = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) object[key] = value;
  return object;
}
