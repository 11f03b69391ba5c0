import type { JsonObject } from "@mamba/core/safetensors";
import { refuse } from "../component.ts";
import { maxTokens } from "../models/vocabulary.ts";
import type { MetadataFields } from "./fields.ts";
import type { SplitKind } from "./preTokenizers.ts";
import { objectOf, prefix } from "./special.ts";
import { addedTokens, type Tokens, tokenTypes } from "./tokens.ts";

/**
 * The tokenizer.json of byte-level BPE (`gpt2`), without its post-processor.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function byteLevelJson(fields: MetadataFields, tokens: Tokens, kind: SplitKind): JsonObject {
  const merges = readMerges(fields);
  const isAdded = (type: number | undefined) =>
    type === tokenTypes.control || type === tokenTypes.userDefined;
  const added = new Set(tokens.texts.filter((_, id) => isAdded(tokens.types[id])));
  // A control token that is spelled in a text must not come out of the model. Only merges can ask for one by its text.
  const merged = new Set<string>();
  for (const [left, right] of added.size > 0 ? merges : []) {
    for (const text of [left, right, left + right]) if (added.has(text)) merged.add(text);
  }
  const isInModel = (text: string, type: number | undefined) =>
    type !== tokenTypes.unused && (!isAdded(type) || merged.has(text));
  const vocab = tokens.texts.flatMap((text, id): [string, number][] =>
    isInModel(text, tokens.types[id]) ? [[text, id]] : [],
  );
  const addsBlank = fields.boolean(`${prefix}add_space_prefix`) ?? false;
  const stages = kind.stages.map((stage) =>
    stage["type"] === "ByteLevel" && addsBlank ? { ...stage, add_prefix_space: true } : stage,
  );
  const [only] = stages;
  return {
    version: "1.0",
    added_tokens: addedTokens(tokens, true),
    normalizer: kind.nfc ? { type: "NFC" } : null,
    pre_tokenizer: stages.length === 1 && only ? only : { type: "Sequence", pretokenizers: stages },
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: objectOf(vocab),
      merges,
      byte_fallback: false,
      fuse_unk: false,
      ignore_merges: kind.ignoresMerges ?? false,
    },
  };
}

/** Merges are stored as "left right". The left part may itself begin with a blank, so the first one after it divides them. */
function readMerges(fields: MetadataFields): [left: string, right: string][] {
  const key = `${prefix}merges`;
  const list = fields.strings(key, 2 * maxTokens) ?? [];
  return list.map((merge, i) => {
    const at = merge.indexOf(" ", 1);
    if (at < 0 || at === merge.length - 1)
      refuse(`${key}[${i}]`, "two tokens with a blank between them", merge);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
}
