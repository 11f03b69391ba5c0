import type { Component } from "../component.ts";
import { refuse } from "../component.ts";
import { byteFallback, maxTokens, noId, type TokenModel } from "./vocabulary.ts";

/** Longest token of a Unigram model in characters: the time to encode a text is proportional to it. */
const maxLength = 256;
/** Log-probability of an unknown character below that of the least probable token, as in the Rust library. */
const unknownPenalty = 10;
/** Most characters of all tokens, which bounds the prefix tree. */
const maxCharacters = 2 ** 23;
const points = 0x110000;

/** The unigram language model (Kudo 2018): the split of a word with the highest sum of log-probabilities (Viterbi). */
export function readUnigram(component: Component): TokenModel {
  const path = `${component.path}.vocab`;
  const vocab = component.list("vocab", maxTokens) ?? component.missing("vocab");
  const ids = new Map<string, number>();
  let characters = 0;
  const scores = vocab.map((entry, id) => {
    const [token, score] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    if (typeof token !== "string" || typeof score !== "number" || !Number.isFinite(score)) {
      return refuse(`${path}[${id}]`, "a token and a finite number", entry);
    }
    if (token.length > maxLength)
      refuse(`${path}[${id}]`, `a token of at most ${maxLength} characters`, token);
    characters += token.length;
    if (characters > maxCharacters)
      refuse(path, `tokens of at most ${maxCharacters} characters in all`, characters);
    ids.set(token, id);
    return score;
  });
  const unknown = component.integer("unk_id", 0, scores.length - 1);
  const hasBytes = component.boolean("byte_fallback") ?? false;
  let least = 0;
  for (const score of scores) least = Math.min(least, score);
  const trie = new Trie();
  for (const [token, id] of ids) trie.add(token, id);

  return {
    ids,
    encode(word) {
      const found: number[] = [];
      let unknownText = "";
      const endUnknown = () => {
        if (unknownText === "") return;
        const bytes = hasBytes ? byteFallback(unknownText, ids) : undefined;
        if (bytes) found.push(...bytes);
        else if (unknown !== undefined) found.push(unknown);
        else throw noId(unknownText);
        unknownText = "";
      };
      const characters = [...word];
      for (const { id, start, end } of bestSplit(characters, trie, scores, least - unknownPenalty)) {
        if (id === -1 || id === unknown) unknownText += characters.slice(start, end).join("");
        else {
          endUnknown();
          found.push(id);
        }
      }
      endUnknown();
      return found;
    },
  };
}

interface Node {
  /** -1 for an unknown character. */
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

function bestSplit(
  characters: readonly string[],
  trie: Trie,
  scores: readonly number[],
  unknownScore: number,
): Node[] {
  const count = characters.length;
  const best = new Float64Array(count + 1).fill(-Infinity);
  const bestId = new Int32Array(count + 1).fill(-1);
  const bestStart = new Int32Array(count + 1);
  best[0] = 0;
  for (let start = 0; start < count; start++) {
    const base = best[start] ?? 0;
    const offer = (end: number, id: number, score: number) => {
      if (base + score <= (best[end] ?? 0)) return;
      best[end] = base + score;
      bestId[end] = id;
      bestStart[end] = start;
    };
    let node = 0;
    let hasSingle = false;
    for (let end = start; end < count; end++) {
      node = trie.step(node, characters[end]?.codePointAt(0) ?? 0);
      if (node === -1) break;
      const id = trie.idAt(node);
      if (id === undefined) continue;
      offer(end + 1, id, scores[id] ?? 0);
      hasSingle ||= end === start;
    }
    if (!hasSingle) offer(start + 1, -1, unknownScore);
  }
  const nodes: Node[] = [];
  for (let end = count; end > 0;) {
    const start = bestStart[end] ?? 0;
    nodes.push({ id: bestId[end] ?? -1, start, end });
    end = start;
  }
  return nodes.reverse();
}

/** Prefix tree of tokens; node 0 is the root. */
class Trie {
  readonly #children = new Map<number, number>();
  readonly #ids = new Map<number, number>();
  #nodes = 1;

  add(token: string, id: number): void {
    let node = 0;
    for (const character of token) {
      const key = node * points + (character.codePointAt(0) ?? 0);
      let child = this.#children.get(key);
      if (child === undefined) {
        child = this.#nodes++;
        this.#children.set(key, child);
      }
      node = child;
    }
    this.#ids.set(node, id);
  }

  /** The child of a node; -1 when there is none. */
  step(node: number, point: number): number {
    return this.#children.get(node * points + point) ?? -1;
  }

  idAt(node: number): number | undefined {
    return this.#ids.get(node);
  }
}
