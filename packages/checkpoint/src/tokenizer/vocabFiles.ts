import { isObject, type Json, type JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { parseJsonObject } from "../json/parse.ts";
import { byteSymbols } from "./byteSymbols.ts";
import { refuse } from "./component.ts";
import { buildTokenizer, type CheckpointTokenizer } from "./parse.ts";
import { contentOf } from "./tokenizerConfig.ts";

/** Tokenizer classes whose vocab.json and merges.txt are byte-level BPE with the pattern of GPT-2. */
const gpt2Like = /^GPT(2|NeoX)Tokenizer(Fast)?$/;

/**
 * The tokenizer.json of `vocab.json` and `merges.txt`, the files of GPT-2 and GPT-NeoX before there was a tokenizer.json, and, where there is
 * one, `tokenizer_config.json`.
 *
 * @throws CheckpointError `TOKENIZER` when they are not of such a tokenizer; `JSON`, `DUPLICATE_KEY`
 */
export function vocabFilesJson(files: ReadonlyMap<string, Uint8Array>): JsonObject {
  const read = (name: string): JsonObject | undefined => {
    const bytes = files.get(name);
    return bytes && parseJsonObject(bytes, name);
  };
  const vocab = read("vocab.json") ?? {};
  const config = read("tokenizer_config.json") ?? {};
  const tokenizerClass = config["tokenizer_class"] ?? "GPT2Tokenizer";
  const isGpt2Like = typeof tokenizerClass === "string" && gpt2Like.test(tokenizerClass);
  const missing = byteSymbols.find((symbol) => !Object.hasOwn(vocab, symbol));
  if (!isGpt2Like || missing !== undefined) {
    const reason = isGpt2Like
      ? `vocab.json lacks the byte ${JSON.stringify(missing)}`
      : `tokenizer_config.json names the class ${JSON.stringify(tokenizerClass)}`;
    throw new CheckpointError(
      "TOKENIZER",
      `vocab.json and merges.txt can be read for GPT2Tokenizer and GPTNeoXTokenizer, but ${reason}; ${remedy}`,
    );
  }
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: config["add_prefix_space"] === true,
    use_regex: true,
  };
  return {
    added_tokens: addedTokens(config, read("added_tokens.json") ?? {}, vocab),
    normalizer: tokenizerClass.startsWith("GPTNeoX") ? { type: "NFC" } : null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab, merges: readMerges(files.get("merges.txt") ?? new Uint8Array()) },
  };
}

/**
 * A tokenizer from these files.
 *
 * @throws CheckpointError as `vocabFilesJson`
 */
export function parseVocabFiles(
  files: ReadonlyMap<string, Uint8Array>,
  stopIds: readonly number[],
): CheckpointTokenizer {
  return buildTokenizer(vocabFilesJson(files), "vocab.json", files, stopIds);
}

/** The remedy for a tokenizer in another form. */
export const remedy =
  "put the tokenizer.json of the model's tokenizer beside the weights (transformers writes one: " +
  "AutoTokenizer.from_pretrained(folder).save_pretrained(folder))";

function readMerges(bytes: Uint8Array): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError("TOKENIZER", "merges.txt: not UTF-8 text", { cause });
  }
  return text.split(/\r?\n/).filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
}

/** Tokens that the files name beside the vocabulary, and special ones in it. */
function addedTokens(config: JsonObject, added: JsonObject, vocab: JsonObject): JsonObject[] {
  const found = new Map<Json, JsonObject>();
  const add = (content: string, id: Json | undefined, special: boolean): void => {
    if (id !== undefined) found.set(id, { ...found.get(id), content, id, ...(special && { special }) });
  };
  for (const [content, id] of Object.entries(added)) add(content, id, false);
  const listed = config["added_tokens_decoder"];
  for (const [id, token] of Object.entries(isObject(listed) ? listed : {})) {
    if (!isObject(token)) refuse(`tokenizer_config.json: added_tokens_decoder.${id}`, "an object", token);
    found.set(Number(id), { ...token, id: Number(id) });
  }
  for (const name of ["bos_token", "eos_token", "pad_token", "unk_token"]) {
    const content = contentOf(config[name]);
    if (content !== undefined) add(content, added[content] ?? vocab[content], true);
  }
  return [...found.values()];
}
