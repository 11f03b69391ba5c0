import type { Json } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import type { Component } from "../component.ts";
import { refuse } from "../component.ts";
import { byteFallback, maxTokenId, maxTokens, noId, type TokenModel, unknownId } from "./vocabulary.ts";

/** Words whose ids are cached, and the most characters of such a word. */
const cacheSize = 10_000;
const cachedLength = 256;
/** Above the position of any symbol of a word, so that a key orders by rank, then position. */
const positions = 2 ** 26;

/** Rank and result of the merge of two tokens, by `left * maxTokenId + right`. */
type Merges = ReadonlyMap<number, { readonly rank: number; readonly id: number }>;

/** Byte-pair encoding (Sennrich et al. 2016): the pair of symbols with the lowest rank merges first, the leftmost of equals. */
export function readBpe(component: Component, ids: ReadonlyMap<string, number>): TokenModel {
  const prefix = component.string("continuing_subword_prefix") ?? "";
  const suffix = component.string("end_of_word_suffix") ?? "";
  const merges = readMerges(
    component.list("merges", 2 * maxTokens) ?? [],
    ids,
    prefix,
    `${component.path}.merges`,
  );
  const unknown = unknownId(component, ids);
  const fusesUnknown = component.boolean("fuse_unk") ?? false;
  const hasBytes = component.boolean("byte_fallback") ?? false;
  const wholeWords = component.boolean("ignore_merges") ?? false;

  const symbolsOf = (word: string): number[] => {
    const characters = [...word];
    const symbols: number[] = [];
    let isUnknown = false;
    characters.forEach((character, i) => {
      const name = (i > 0 ? prefix : "") + character + (i === characters.length - 1 ? suffix : "");
      const id = ids.get(name);
      const known = id === undefined ? hasBytes && byteFallback(character, ids) : [id];
      if (known) symbols.push(...known);
      else if (unknown === undefined) throw noId(character);
      else if (!(fusesUnknown && isUnknown)) symbols.push(unknown);
      isUnknown = !known;
    });
    return symbols;
  };

  const cache = new Map<string, readonly number[]>();
  return {
    ids,
    encode(word) {
      const whole = wholeWords ? ids.get(word) : undefined;
      if (whole !== undefined) return [whole];
      const cached = cache.get(word);
      if (cached) return cached;
      const found = mergeAll(symbolsOf(word), merges);
      if (word.length <= cachedLength) {
        if (cache.size >= cacheSize) cache.clear();
        cache.set(word, found);
      }
      return found;
    },
  };
}

function readMerges(
  list: readonly Json[],
  ids: ReadonlyMap<string, number>,
  prefix: string,
  path: string,
): Merges {
  const merges = new Map<number, { rank: number; id: number }>();
  list.forEach((merge, rank) => {
    const [left, right, ...more] =
      typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? (merge as readonly Json[]) : [];
    if (typeof left !== "string" || typeof right !== "string" || more.length > 0) {
      refuse(`${path}[${rank}]`, "two tokens", merge);
    }
    const [a, b] = [ids.get(left), ids.get(right)];
    const result = ids.get(left + (right.startsWith(prefix) ? right.slice(prefix.length) : right));
    if (a === undefined || b === undefined || result === undefined) {
      throw new CheckpointError(
        "TOKENIZER",
        `${path}[${rank}]: ${JSON.stringify([left, right])} or its result is not in the vocabulary`,
      );
    }
    const key = a * maxTokenId + b;
    if (!merges.has(key)) merges.set(key, { rank, id: result });
  });
  return merges;
}

/** Merges the symbols of a word until no pair of neighbours has a merge, in O(n log n). */
function mergeAll(symbols: number[], merges: Merges): number[] {
  const count = symbols.length;
  if (count < 2) return symbols;
  const next = Int32Array.from(symbols, (_, i) => i + 1);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const ids = Int32Array.from(symbols); // -1: merged into its left neighbour
  const queue = new MinHeap();
  const mergeAt = (at: number) => {
    const right = next[at] ?? count;
    return at < 0 || right >= count ? undefined : merges.get((ids[at] ?? 0) * maxTokenId + (ids[right] ?? 0));
  };
  const offer = (at: number): void => {
    const merge = mergeAt(at);
    if (merge) queue.push(merge.rank * positions + at);
  };
  for (let at = 0; at < count - 1; at++) offer(at);
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const at = key % positions;
    const merge = ids[at] === -1 ? undefined : mergeAt(at);
    if (merge?.rank !== (key - at) / positions) continue; // of a pair that is gone
    const right = next[at] ?? count;
    const after = next[right] ?? count;
    ids[at] = merge.id;
    ids[right] = -1;
    next[at] = after;
    if (after < count) previous[after] = at;
    offer(previous[at] ?? -1);
    offer(at);
  }
  return Array.from(ids).filter((id) => id !== -1);
}

/** A binary heap of numbers; `pop` returns the smallest. */
class MinHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] ?? item;
      if (above <= item) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const [smallest] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return smallest;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = items[child + 1];
      const left = items[child];
      if (left === undefined) break;
      if (right !== undefined && right < left) child++;
      const least = items[child] ?? left;
      if (least >= last) break;
      items[at] = least;
      at = child;
    }
    items[at] = last;
    return smallest;
  }
}
