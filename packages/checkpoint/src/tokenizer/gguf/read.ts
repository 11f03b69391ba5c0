import { type JsonObject, show } from "@mamba/core/safetensors";
import type { GgufMetadata } from "../../formats/gguf/metadata.ts";
import { CheckpointError } from "../../errors.ts";
import { maxTokenId } from "../models/vocabulary.ts";
import { buildTokenizer, type CheckpointTokenizer, parseTokenizer } from "../parse.ts";
import type { FoundTokenizer } from "../read.ts";
import { byteLevelJson } from "./byteLevel.ts";
import { MetadataFields } from "./fields.ts";
import { defaultName, splitKindOf } from "./preTokenizers.ts";
import { scoredBpeJson } from "./scoredBpe.ts";
import {
  postProcessor,
  prefix,
  readMarks,
  readSpecialIds,
  type SpecialIds,
  tokenizerConfig,
} from "./special.ts";
import { readTokens, type Tokens } from "./tokens.ts";

/** The tokenizer of a GGUF file, with notes for the user. */
export interface GgufTokenizer extends FoundTokenizer {
  readonly notes: readonly string[];
}

/** Largest tokenizer.json in the metadata, in characters. */
const maxJson = 64 * 2 ** 20;
const wholeFile = "tokenizer.huggingface.json";

/**
 * The tokenizer in the metadata of a GGUF file: the tokenizer.json in `tokenizer.huggingface.json`, or else one that is made from the
 * tokens and merges of byte-level BPE (`gpt2`), or from the tokens and scores of SentencePiece (`llama`). Other kinds cannot be read:
 * `noTokenizer` then says why. `files` of the tokenizer has the tokenizer.json and a tokenizer_config.json.
 *
 * @throws CheckpointError `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE` for metadata that contradict themselves or the limits of
 * tokenizers
 */
export function tokenizerFromGguf(metadata: GgufMetadata): GgufTokenizer {
  const fields = new MetadataFields(metadata);
  const notes: string[] = [];
  const json = fields.string(wholeFile, maxJson);
  if (json !== undefined) return found(readWhole(fields, json, notes), notes);
  const model = fields.string(`${prefix}model`, 100);
  const remedy = "put the tokenizer.json of the model beside it, or use ids";
  const none = (reason: string): GgufTokenizer => {
    const count = fields.strings(`${prefix}tokens`, maxTokenId)?.length ?? maxTokenId;
    const { stopIds } = readSpecialIds(fields, count, {}, notes);
    return { tokenizer: undefined, noTokenizer: `${reason}: ${remedy}`, stopIds, notes };
  };
  if (model === undefined || model === "none" || model === "no_vocab")
    return none("the file has no tokenizer");
  if (model === "llama") return found(readScoredBpe(fields, notes), notes);
  if (model !== "gpt2")
    return none(`the file has a tokenizer of the kind ${show(model)}, which cannot be read`);
  const pre = fields.string(`${prefix}pre`, 100);
  const isDefault = pre === undefined || pre === "default";
  const kind = splitKindOf(isDefault ? defaultName : pre);
  if (!kind)
    return none(`the file has a byte-level tokenizer that splits texts by ${show(pre)}, which is not known`);
  if (isDefault) {
    notes.push(
      `the file does not say how its tokenizer splits texts (${prefix}pre): it is read as that of GPT-NeoX`,
    );
  }
  const tokens = readTokens(fields);
  const ids = readSpecialIds(fields, tokens.texts.length, {}, notes);
  const marks = readMarks(fields, ids, kind.addsBos ?? false, notes);
  return found(build(fields, tokens, ids, byteLevelJson(fields, tokens, kind), marks), notes);
}

function found(tokenizer: CheckpointTokenizer, notes: readonly string[]): GgufTokenizer {
  return { tokenizer, noTokenizer: undefined, stopIds: tokenizer.stopIds, notes };
}

function readScoredBpe(fields: MetadataFields, notes: string[]): CheckpointTokenizer {
  const tokens = readTokens(fields);
  const ids = readSpecialIds(fields, tokens.texts.length, { bos: 1, eos: 2, unknown: 0 }, notes);
  const marks = readMarks(fields, ids, true, notes);
  return build(fields, tokens, ids, scoredBpeJson(fields, tokens, ids), marks);
}

/** Builds the tokenizer by the rules of a tokenizer.json, and keeps that file. */
function build(
  fields: MetadataFields,
  { texts }: Tokens,
  ids: SpecialIds,
  json: JsonObject,
  marks: ReturnType<typeof readMarks>,
): CheckpointTokenizer {
  const textOf = (id: number) => texts[id];
  const whole = { ...json, post_processor: postProcessor(marks, (id) => texts[id] ?? "") };
  const files = new Map([
    ["tokenizer.json", encode(whole)],
    ["tokenizer_config.json", encode(tokenizerConfig(fields, ids, textOf))],
  ]);
  return buildTokenizer(whole, "gguf", files, ids.stopIds);
}

function readWhole(fields: MetadataFields, json: string, notes: string[]): CheckpointTokenizer {
  const texts = fields.strings(`${prefix}tokens`, maxTokenId);
  const ids = readSpecialIds(fields, texts?.length ?? maxTokenId, {}, notes);
  const files = new Map([
    ["tokenizer.json", new TextEncoder().encode(json)],
    ["tokenizer_config.json", encode(tokenizerConfig(fields, ids, (id) => texts?.[id]))],
  ]);
  const tokenizer = parseTokenizer(files, ids.stopIds);
  const rows = texts?.length ?? tokenizer.vocabSize;
  if (tokenizer.vocabSize <= rows && ids.stopIds.every((id) => id < rows))
    return { ...tokenizer, kind: "gguf" };
  const message = `${wholeFile}: has ids up to ${tokenizer.vocabSize - 1}, the file has ${rows} tokens`;
  throw new CheckpointError("TOKENIZER", message);
}

function encode(json: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}
