import { isObject, type JsonObject, show } from "@mamba/core/safetensors";
import type { GgufValue } from "../../formats/gguf/metadata.ts";
import { parseJsonObject } from "../../json/parse.ts";
import { readAddedTokens } from "../addedTokens.ts";
import { byteSymbols } from "../byteSymbols.ts";
import { Component } from "../component.ts";
import { vocabularyOf } from "../models/vocabulary.ts";
import type { CheckpointTokenizer } from "../parse.ts";
import { readPostProcessor } from "../postProcessor.ts";
import { vocabFilesJson } from "../vocabFiles.ts";
import { prefix } from "./special.ts";
import { tokenTypes } from "./tokens.ts";
import { cannotWrite, type TokenizerParts } from "./parts.ts";
import { writeByteLevel } from "./writeByteLevel.ts";
import { writeScoredBpe } from "./writeScoredBpe.ts";

/** Options of `tokenizerToGguf`. */
export interface GgufTokenizerOptions {
  /** Rows of the table of the model: rows without a token get one that is never used. */
  readonly rows: number;
  /**
   * Keep the tokenizer.json as well, in `tokenizer.huggingface.json`: programs that know the key then read it exactly as it is. Default
   * true.
   */
  readonly keepJson?: boolean | undefined;
}

/** Metadata of a tokenizer. */
export interface WrittenTokenizer {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Notes for the user: properties that the metadata cannot hold. */
  readonly notes: readonly string[];
}

/**
 * The metadata of a GGUF file for a tokenizer: byte-level BPE that llama.cpp has a name for, BPE of SentencePiece (the form of Llama 2),
 * or the bytes of the text.
 *
 * @throws CheckpointError `TOKENIZER` for any other tokenizer, with the part that GGUF cannot describe
 */
export function tokenizerToGguf(
  tokenizer: CheckpointTokenizer,
  { rows, keepJson = true }: GgufTokenizerOptions,
): WrittenTokenizer {
  const json = jsonOf(tokenizer);
  const parts = partsOf(json);
  const largest = Math.max(-1, ...limits(parts.tokens.keys()));
  if (largest >= rows) throw cannotWrite(`it has the id ${largest}, and the model has ${rows} rows`);
  const notes: string[] = [];
  const kind = parts.model.boolean("byte_fallback") ? writeScoredBpe(parts, notes) : writeByteLevel(parts);
  const { texts, types } = fillRows(parts, rows);
  const metadata = new Map<string, GgufValue>([
    [`${prefix}model`, { type: "string", value: kind.model }],
    ...(kind.pre === undefined ? [] : [[`${prefix}pre`, { type: "string", value: kind.pre }] as const]),
    [`${prefix}tokens`, { type: "array", items: "string", value: texts }],
    [`${prefix}token_type`, { type: "array", items: "i32", value: types }],
  ]);
  if (kind.scoreOf) {
    const { scoreOf } = kind;
    const scores = Float32Array.from(texts, (_, id) => scoreOf(id));
    metadata.set(`${prefix}scores`, { type: "array", items: "f32", value: scores });
  }
  if (kind.merges) metadata.set(`${prefix}merges`, { type: "array", items: "string", value: kind.merges });
  metadata.set(`${prefix}add_space_prefix`, { type: "bool", value: kind.addsBlank });
  writeSpecial(metadata, tokenizer, parts, rows);
  writeTemplates(metadata, tokenizer);
  if (keepJson && tokenizer.kind !== "bytes") {
    metadata.set("tokenizer.huggingface.json", { type: "string", value: JSON.stringify(json) });
  } else notes.push(...notesOf(json));
  return { metadata, notes };
}

function jsonOf({ kind, files, stopIds, vocabSize }: CheckpointTokenizer): JsonObject {
  if (kind === "vocab.json") return vocabFilesJson(files);
  const bytes = files.get("tokenizer.json");
  if (bytes) return parseJsonObject(bytes, "tokenizer.json");
  // The bytes of the text, and a token that ends it.
  const content = "<|endoftext|>";
  const added = stopIds
    .slice(0, 1)
    .flatMap((id) => (id >= vocabSize ? [{ id, content, special: true }] : []));
  return {
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(byteSymbols.map((symbol, byte) => [symbol, byte])),
      merges: [],
    },
  };
}

function partsOf(json: JsonObject): TokenizerParts {
  const model = new Component(json["model"], "tokenizer.json: model");
  const type = model.get("type") ?? (model.get("merges") === undefined ? "without merges" : "BPE");
  if (type !== "BPE") throw cannotWrite(`its model is ${show(type)}, expected BPE`);
  for (const field of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model.string(field))
      throw cannotWrite(`its model has ${field} ${JSON.stringify(model.string(field))}`);
  }
  const vocabJson = model.get("vocab");
  const vocab = vocabularyOf(isObject(vocabJson) ? vocabJson : {}, "tokenizer.json: model.vocab");
  const tokens = new Map<number, { text: string; type: number }>();
  const idOf = new Map<string, number>();
  const add = (text: string, id: number, kind: number): void => {
    const before = tokens.get(id);
    if ((idOf.get(text) ?? id) !== id)
      throw cannotWrite(`two ids are the same token ${JSON.stringify(text)}`);
    if (before) idOf.delete(before.text);
    idOf.set(text, id);
    tokens.set(id, { text, type: kind });
  };
  for (const [text, id] of vocab) add(text, id, tokenTypes.normal);
  for (const { text, id, isSpecial } of readAddedTokens(json["added_tokens"], new Set())) {
    add(text, id, isSpecial ? tokenTypes.control : tokenTypes.userDefined);
  }
  return { json, model, vocab, tokens };
}

/** Smallest and largest number. */
function limits(numbers: Iterable<number>): number[] {
  let [least, most] = [Infinity, -Infinity];
  for (const number of numbers) [least, most] = [Math.min(least, number), Math.max(most, number)];
  return most === -Infinity ? [] : [least, most];
}

/** Texts and types of all rows. Rows without a token get the text that llama.cpp's converter gives them, `[PAD7]`. */
function fillRows({ tokens }: TokenizerParts, rows: number): { texts: string[]; types: Int32Array } {
  const taken = new Set([...tokens.values()].map(({ text }) => text));
  const types = new Int32Array(rows);
  const texts = Array.from({ length: rows }, (_, id) => {
    const token = tokens.get(id);
    types[id] = token?.type ?? tokenTypes.unused;
    if (token) return token.text;
    let text = `[PAD${id}]`;
    while (taken.has(text)) text = `[${text}]`;
    taken.add(text);
    return text;
  });
  return { texts, types };
}

function writeSpecial(
  metadata: Map<string, GgufValue>,
  { namedTokens, stopIds }: CheckpointTokenizer,
  { json, tokens }: TokenizerParts,
  rows: number,
): void {
  const { before, after } = readPostProcessor(
    json["post_processor"],
    new Map([...tokens].map(([id, { text }]) => [text, id])),
  );
  const [first = namedTokens.bos?.id, ...moreBefore] = before;
  const known = stopIds.filter((id) => id < rows);
  const [last = namedTokens.eos?.id ?? known[0], ...moreAfter] = after;
  if (moreBefore.length > 0 || moreAfter.length > 0)
    throw cannotWrite("it puts more than one token before or after a text");
  const [turn, message] = known.filter((id) => id !== last);
  const ids = {
    bos: first,
    eos: last,
    eot: turn,
    eom: message,
    unknown: namedTokens.unk?.id,
    padding: namedTokens.pad?.id,
  };
  for (const [name, id] of Object.entries(ids)) {
    if (id !== undefined) metadata.set(`${prefix}${name}_token_id`, { type: "u32", value: id });
  }
  metadata.set(`${prefix}add_bos_token`, { type: "bool", value: before.length > 0 });
  metadata.set(`${prefix}add_eos_token`, { type: "bool", value: after.length > 0 });
}

/** The chat templates, unrendered. */
function writeTemplates(metadata: Map<string, GgufValue>, { chatTemplates }: CheckpointTokenizer): void {
  const key = "tokenizer.chat_template";
  const template = chatTemplates.get("default");
  if (template !== undefined) metadata.set(key, { type: "string", value: template });
  const names = [...chatTemplates.keys()].filter((name) => name !== "default" && /^\w{1,64}$/.test(name));
  for (const name of names) {
    metadata.set(`${key}.${name}`, { type: "string", value: chatTemplates.get(name) ?? "" });
  }
  if (names.length > 0)
    metadata.set("tokenizer.chat_templates", { type: "array", items: "string", value: names });
}

/** Properties of added tokens that the metadata do not hold. */
function notesOf(json: JsonObject): string[] {
  const changed = readAddedTokens(json["added_tokens"], new Set()).find(
    ({ takesLeft, takesRight, isWord }) => takesLeft || takesRight || isWord,
  );
  if (!changed) return [];
  const what = "takes the blanks beside it, or is no part of a word";
  return [`the added token ${JSON.stringify(changed.text)} ${what}: GGUF has no field for that`];
}
