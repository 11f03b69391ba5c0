import type { Json } from "@mamba/core/safetensors";
import { type Component, flatten } from "../component.ts";
import { type Matches, occurrences, readPattern, replaceMatches } from "../pattern.ts";
import { metaspaceJoined, replaceJoined, trimJoined, wholeText } from "./joinedStages.ts";
import { checkLength, eachText, type Stage } from "./stage.ts";
import {
  blanksBetween,
  bpeSuffix,
  byteFallback,
  byteLevel,
  ctc,
  metaspace,
  trim,
  wordPiece,
} from "./stages.ts";

/** A component as a stage for separate texts, and as one for the chunks of a joined text where that needs another stage. */
interface Both {
  readonly separate: Stage;
  readonly joined?: Stage;
}

/** Most results that are cached for a regular expression that runs in a thread of its own. */
const cacheSize = 2 ** 16;

/**
 * The decoder of a tokenizer.json as stages. Without one, the tokens stand with a blank between them.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function readDecoder(json: Json | undefined, addedTokens: ReadonlySet<string>): readonly Stage[] {
  const components = flatten(json, "tokenizer.json: decoder", "decoders");
  if (components.length === 0) return [blanksBetween()];
  let isFused = false;
  return components.flatMap((component, i) => {
    const isJoined =
      components.slice(i + 1).every(({ type }) => type === "Fuse") || components[i + 1]?.type === "Fuse";
    if (component.type === "Fuse") {
      isFused = true;
      return [];
    }
    const make = Object.hasOwn(makers, component.type) ? makers[component.type] : undefined;
    if (!make) return component.unknown([...Object.keys(makers), "Fuse", "Sequence"]);
    const { separate, joined } = make(component, addedTokens, isJoined);
    const stage = isFused ? (joined ?? wholeText(separate)) : separate;
    isFused ||= component.type === "ByteLevel"; // the bytes of all tokens are one text
    return [stage];
  });
}

const makers: Readonly<
  Record<string, (component: Component, addedTokens: ReadonlySet<string>, isJoined: boolean) => Both>
> = {
  ByteLevel: (_, addedTokens) => ({ separate: byteLevel(addedTokens) }),
  ByteFallback: (_, __, isJoined) => ({ separate: byteFallback(isJoined) }),
  Metaspace: (component) => {
    const replacement = component.string("replacement") ?? "\u2581";
    if (replacement === "") component.missing("replacement");
    const addPrefix = component.boolean("add_prefix_space") ?? true;
    const scheme =
      component.only("prepend_scheme", ["always", "first", "never"]) ?? (addPrefix ? "always" : "never");
    const args = [replacement, scheme !== "never"] as const;
    return { separate: metaspace(...args), joined: metaspaceJoined(...args) };
  },
  WordPiece: (component) => ({
    separate: wordPiece(component.string("prefix") ?? "##", component.boolean("cleanup") ?? true),
  }),
  BPEDecoder: (component) => ({ separate: bpeSuffix(nonEmpty(component, "suffix", "</w>")) }),
  CTC: (component) => ({
    separate: ctc(
      nonEmpty(component, "pad_token", "<pad>"),
      nonEmpty(component, "word_delimiter_token", "|"),
      component.boolean("cleanup") ?? true,
    ),
  }),
  Strip: (component) => {
    const args = [
      component.string("content") ?? " ",
      component.integer("start", 0, 1024) ?? 0,
      component.integer("stop", 0, 1024) ?? 0,
    ] as const;
    return { separate: trim(...args), joined: trimJoined(...args) };
  },
  Replace: replace,
};

function nonEmpty(component: Component, field: string, byDefault: string): string {
  return component.string(field) || byDefault;
}

function replace(component: Component): Both {
  const pattern = readPattern(component);
  const content = component.string("content") ?? "";
  const { literal } = pattern;
  const matchesOf = (text: string): Matches =>
    literal === undefined ? (pattern.matches([text])[0] ?? []) : occurrences(text, literal);
  const change = (text: string): string => replaceMatches(text, matchesOf(text), content, checkLength);
  if (literal !== undefined) return { separate: eachText(change), joined: replaceJoined(literal, content) };
  // The same tokens come again and again, and a thread takes longer to answer than a table.
  const cache = new Map<string, string>();
  return {
    separate: eachText((text) => {
      const cached = cache.get(text);
      if (cached !== undefined) return cached;
      const changed = change(text);
      if (cache.size >= cacheSize) cache.clear();
      cache.set(text, changed);
      return changed;
    }),
  };
}
