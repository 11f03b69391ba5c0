import { isObject, type JsonObject } from "@mamba/core/safetensors";
import { type Component, flatten } from "../component.ts";
import { type SplitKind, splitKinds } from "./preTokenizers.ts";
import { cannotWrite, pairsOf, type TokenizerParts, typesOf, type WrittenKind } from "./parts.ts";

/**
 * Byte-level BPE, whose way to split texts must be one that llama.cpp has a name for.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function writeByteLevel({ json, model }: TokenizerParts): WrittenKind {
  const decoder = flatten(json["decoder"], "tokenizer.json: decoder", "decoders");
  if (decoder.length !== 1 || decoder[0]?.type !== "ByteLevel") {
    throw cannotWrite(`its decoder is ${typesOf(decoder)}, expected ByteLevel, or BPE with byte_fallback`);
  }
  const normalizers = flatten(json["normalizer"], "tokenizer.json: normalizer", "normalizers");
  const normalizer = typesOf(normalizers);
  if (normalizer !== "none" && normalizer !== "NFC") throw cannotWrite(`its normalizer is ${normalizer}`);
  const stages = flatten(json["pre_tokenizer"], "tokenizer.json: pre_tokenizer", "pretokenizers");
  const addsBlank = stages.some(
    (stage) => stage.type === "ByteLevel" && stage.boolean("add_prefix_space") !== false,
  );
  const ignoresMerges = model.boolean("ignore_merges") ?? false;
  const kind = splitKinds.find(
    (one) =>
      (one.nfc ?? false) === (normalizer === "NFC") &&
      (one.ignoresMerges ?? false) === ignoresMerges &&
      isSame(one, stages, addsBlank),
  );
  if (!kind) {
    const more = `normalizer ${normalizer}, ignore_merges ${ignoresMerges}`;
    throw cannotWrite(
      `llama.cpp has no name for the way in which it splits texts: ${typesOf(stages)}, ${more}`,
    );
  }
  const list = pairsOf(model);
  const merges = list.map(([left, right]) => {
    const merge = `${left} ${right}`;
    if (merge.indexOf(" ", 1) !== left.length || right === "")
      throw cannotWrite(`the merge ${JSON.stringify([left, right])} has a blank in its left part`);
    return merge;
  });
  return { model: "gpt2", pre: kind.names[0], addsBlank, merges };
}

function isSame(kind: SplitKind, stages: readonly Component[], addsBlank: boolean): boolean {
  const expected = kind.stages.map((stage) =>
    stage["type"] === "ByteLevel" ? { ...stage, add_prefix_space: addsBlank } : stage,
  );
  return JSON.stringify(stages.map(canonical)) === JSON.stringify(expected.map(sorted));
}

/** A stage with the fields that change what it does, in the order of their names. */
function canonical(stage: Component): JsonObject {
  const { type } = stage;
  switch (type) {
    case "ByteLevel": {
      const [blank, regex] = [stage.boolean("add_prefix_space"), stage.boolean("use_regex")];
      return sorted({ type, add_prefix_space: blank ?? true, use_regex: regex ?? true });
    }
    case "Digits":
      return sorted({ type, individual_digits: stage.boolean("individual_digits") ?? false });
    case "Punctuation":
      return sorted({ type, behavior: stage.string("behavior") ?? "Isolated" });
    case "Split": {
      const json = stage.get("pattern");
      const pattern = isObject(json) ? sorted(json) : null;
      const behavior = stage.string("behavior") ?? null;
      return sorted({ type, pattern, behavior, invert: stage.boolean("invert") ?? false });
    }
    default:
      return { type };
  }
}

function sorted(json: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1)));
}
