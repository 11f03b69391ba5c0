import { isObject, type Json } from "@mamba/core/safetensors";
import { Component, refuse } from "../component.ts";
import { readBpe } from "./bpe.ts";
import { readUnigram } from "./unigram.ts";
import { type TokenModel, vocabularyOf } from "./vocabulary.ts";
import { readWordLevel, readWordPiece } from "./wordPiece.ts";

/**
 * The model of a tokenizer.json. Old files have no `type`: the fields then tell it.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function readModel(json: Json | undefined): TokenModel {
  const component = new Component(json, "tokenizer.json: model");
  const type = component.get("type") === undefined ? guess(component) : component.type;
  switch (type) {
    case "BPE":
      return readBpe(component, readVocabulary(component));
    case "Unigram":
      return readUnigram(component);
    case "WordPiece":
      return readWordPiece(component, readVocabulary(component));
    case "WordLevel":
      return readWordLevel(component, readVocabulary(component));
    default:
      return component.unknown(["BPE", "Unigram", "WordPiece", "WordLevel"]);
  }
}

function guess(component: Component): string {
  if (component.get("merges") !== undefined) return "BPE";
  if (Array.isArray(component.get("vocab"))) return "Unigram";
  return component.get("max_input_chars_per_word") === undefined ? "WordLevel" : "WordPiece";
}

function readVocabulary(component: Component): Map<string, number> {
  const vocab = component.get("vocab");
  const path = `${component.path}.vocab`;
  if (!isObject(vocab)) refuse(path, "an object", vocab);
  return vocabularyOf(vocab, path);
}
