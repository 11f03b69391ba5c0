import type { Component } from "../component.ts";
import { noId, type TokenModel, unknownId } from "./vocabulary.ts";

/** WordPiece (Schuster and Nakajima 2012) as BERT uses it: the longest token that a word begins with, again and again. */
export function readWordPiece(component: Component, ids: ReadonlyMap<string, number>): TokenModel {
  const prefix = component.string("continuing_subword_prefix") ?? "##";
  const longest = component.integer("max_input_chars_per_word", 1, 1000) ?? 100;
  const unknown = unknownId(component, ids);
  return {
    ids,
    encode(word) {
      const characters = [...word];
      const found: number[] = [];
      for (let start = 0; start < characters.length && characters.length <= longest;) {
        let end = characters.length;
        let id: number | undefined;
        for (; end > start && id === undefined; end--) {
          id = ids.get((start > 0 ? prefix : "") + characters.slice(start, end).join(""));
        }
        if (id === undefined) break;
        found.push(id);
        start = end + 1;
        if (start >= characters.length) return found;
      }
      if (characters.length === 0) return [];
      if (unknown === undefined) throw noId(word);
      return [unknown];
    },
  };
}

/** A word is one token. */
export function readWordLevel(component: Component, ids: ReadonlyMap<string, number>): TokenModel {
  const unknown = unknownId(component, ids);
  return {
    ids,
    encode(word) {
      const id = ids.get(word) ?? unknown;
      if (id === undefined) throw noId(word);
      return [id];
    },
  };
}
