import type { DecodeOptions, TokenDecoderOptions, Tokenizer } from "@mamba/core";
import type { Json, JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { parseJsonObject } from "../json/parse.ts";
import { type AddedToken, AddedTokenFinder, readAddedTokens } from "./addedTokens.ts";
import { PipelineDecoder } from "./decoder/pipeline.ts";
import { readDecoder } from "./decoder/read.ts";
import { encode } from "./encode.ts";
import { readModel } from "./models/model.ts";
import { readNormalizer } from "./normalizer.ts";
import { readPostProcessor } from "./postProcessor.ts";
import { readPreTokenizer } from "./preTokenizer.ts";
import {
  additionalSpecialTokens,
  chatTemplatesOf,
  namedTokens,
  type NamedTokens,
} from "./tokenizerConfig.ts";

/** Origin of a tokenizer: a `tokenizer.json`, `vocab.json` with `merges.txt`, the metadata of a GGUF file, or the bytes of the text. */
export type TokenizerKind = "tokenizer.json" | "vocab.json" | "gguf" | "bytes";

/** The tokenizer of a checkpoint. */
export interface CheckpointTokenizer extends Tokenizer {
  readonly kind: TokenizerKind;
  /** The content of its files by name, as read, or as made from the metadata of a GGUF file. Empty for bytes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** One more than its largest id. The embedding table may have more rows. */
  readonly vocabSize: number;
  /** The tokens with a function of their own, where tokenizer_config.json names them. */
  readonly namedTokens: NamedTokens;
  /**
   * The Jinja templates that make one text of a conversation, by name, as the files have them: `default`, `tool_use`, … Empty where
   * the files have none. Nothing here executes them.
   */
  readonly chatTemplates: ReadonlyMap<string, string>;
}

/** Most strings and numbers of a tokenizer.json, counted by commas: before it is parsed, which takes 100 bytes for each. */
const maxValues = 2 ** 21;

/**
 * A tokenizer from the contents of `tokenizer.json` and, where there are such files, `tokenizer_config.json` and
 * `chat_template.jinja`.
 *
 * All components are checked before the first text is encoded. A regular expression that is not known to take linear time runs in a
 * thread with limits on time and memory.
 *
 * @param stopIds default: the `eos_token` of tokenizer_config.json
 * @throws CheckpointError `TOKENIZER`, `TOO_LARGE`, `JSON`, `DUPLICATE_KEY`
 */
export function parseTokenizer(
  files: ReadonlyMap<string, Uint8Array>,
  stopIds: readonly number[] = [],
): CheckpointTokenizer {
  const bytes = files.get("tokenizer.json");
  if (!bytes) throw new CheckpointError("TOKENIZER", "there is no tokenizer.json");
  const commas = bytes.reduce((count, byte) => count + (byte === 0x2c ? 1 : 0), 0);
  if (commas > maxValues) {
    throw new CheckpointError("TOO_LARGE", `tokenizer.json: it has more than ${maxValues} values`);
  }
  return buildTokenizer(parseJsonObject(bytes, "tokenizer.json"), "tokenizer.json", files, stopIds);
}

/** Builds a tokenizer from the JSON value of a tokenizer.json. */
export function buildTokenizer(
  json: JsonObject,
  kind: TokenizerKind,
  files: ReadonlyMap<string, Uint8Array>,
  stopIds: readonly number[],
): CheckpointTokenizer {
  const configBytes = files.get("tokenizer_config.json");
  const config = configBytes ? parseJsonObject(configBytes, "tokenizer_config.json") : undefined;
  const parts = readParts(json, additionalSpecialTokens(config));
  const named = namedTokens(config, parts.ids);
  return {
    kind,
    files,
    stopIds: stopIds.length > 0 || !named.eos ? stopIds : [named.eos.id],
    vocabSize: parts.vocabSize,
    specialTokens: new Map(
      parts.added.filter(({ isSpecial }) => isSpecial).map(({ text, id }) => [text, id]),
    ),
    namedTokens: named,
    chatTemplates: chatTemplatesOf(config, files),
    encode: (text, options) => encode(parts, text, options),
    decode(ids, options) {
      const decoder = openDecoder(parts, options);
      let text = "";
      for (const id of ids) text += decoder.push(id);
      return text + decoder.rest();
    },
    decoder: (options) => openDecoder(parts, options),
  };
}

type Parts = ReturnType<typeof readParts>;

function readParts(json: JsonObject, special: ReadonlySet<string>) {
  const field = (name: string): Json | undefined => (Object.hasOwn(json, name) ? json[name] : undefined);
  const added = readAddedTokens(field("added_tokens"), special);
  const model = readModel(field("model"));
  const normalizer = readNormalizer(field("normalizer"));
  const texts: (string | undefined)[] = [];
  for (const [text, id] of model.ids) texts[id] = text;
  for (const { text, id } of added) texts[id] = text;
  const ids = new Map(model.ids);
  for (const { text, id } of added) ids.set(text, id);
  const finders = (tokens: readonly AddedToken[]) => ({
    raw: new AddedTokenFinder(
      tokens.filter((token) => !token.isNormalized),
      ({ text }) => text,
    ),
    normalized: new AddedTokenFinder(
      tokens.filter((token) => token.isNormalized),
      ({ text }) => normalizer(text, true),
    ),
  });
  return {
    added,
    ids,
    texts,
    vocabSize: texts.length,
    special: new Set(added.filter(({ isSpecial }) => isSpecial).map(({ id }) => id)),
    all: finders(added),
    plain: finders(added.filter(({ isSpecial }) => !isSpecial)),
    model,
    normalizer,
    preTokenizer: readPreTokenizer(field("pre_tokenizer")),
    marks: readPostProcessor(field("post_processor"), ids),
    stages: readDecoder(field("decoder"), new Set(added.map(({ text }) => text))),
  };
}

function openDecoder(
  { stages, texts, special }: Parts,
  { specialTokens = false, snapshot }: TokenDecoderOptions & DecodeOptions = {},
): PipelineDecoder {
  const shown = new Set(Array.isArray(specialTokens) ? specialTokens : []);
  const isShown = (id: number) => specialTokens === true || shown.has(id) || !special.has(id);
  const textOf = (id: number) => (isShown(id) ? texts[id] : undefined);
  return new PipelineDecoder(stages, textOf, snapshot);
}
