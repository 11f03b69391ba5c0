import { MambaError } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckpointError, parseTokenizer } from "../src/index.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { tokenizerKinds } from "./support/tokenizerKinds.ts";

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

const names = [
  "Sequence",
  "Split",
  "Replace",
  "Strip",
  "Fuse",
  "ByteFallback",
  "ByteLevel",
  "Metaspace",
  "WordPiece",
];
const more = [
  "CTC",
  "BPEDecoder",
  "NFKD",
  "FixedLength",
  "Digits",
  "Punctuation",
  "Unigram",
  "BPE",
  "WordLevel",
];
const component = fc.record(
  {
    type: fc.constantFrom(...names, ...more),
    pattern: fc.constantFrom<Value>(
      { Regex: "(a+)+b" },
      { Regex: "[ab]+" },
      { Regex: "(?=(a*))\\1b" },
      { String: "a" },
      3,
    ),
    content: fc.constantFrom<Value>("", "a", "aa".repeat(300), {}, null),
    behavior: fc.constantFrom<Value>("Removed", "Isolated", "MergedWithNext", 5),
    length: fc.constantFrom<Value>(0, 1, -1, 0.5, 2 ** 40),
    start: fc.constantFrom<Value>(0, 2, 2 ** 31, "x"),
    stop: fc.constantFrom<Value>(0, 3),
    suffix: fc.constantFrom<Value>("", "</w>", []),
    prefix: fc.constantFrom<Value>("", "##", {}),
  },
  { requiredKeys: ["type"] },
);
const member = fc.constantFrom("normalizers", "pretokenizers", "decoders", "processors");
const list = fc
  .tuple(member, fc.array(component, { maxLength: 3 }), fc.constantFrom(1, 10))
  .map(([name, parts, times]) => ({
    type: "Sequence",
    [name]: Array.from({ length: times }, () => parts).flat(),
  }));
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), component, list) as fc.Arbitrary<Value>;

/** Puts a value in the place of a part of a JSON value. */
function mutate(json: Value, path: readonly number[], replacement: Value): Value {
  const [step, ...rest] = path;
  const keys = typeof json === "object" && json !== null ? Object.keys(json) : [];
  if (step === undefined || keys.length === 0) return replacement;
  const key = keys[step % keys.length]!;
  const copy = structuredClone(json) as Record<string, Value>;
  copy[key] = mutate(copy[key]!, rest, replacement);
  return copy;
}

const pattern = fc.oneof(
  {
    arbitrary: fc.constantFrom<Value>(
      { String: "a" },
      { String: "ab" },
      { Regex: "[ab]+" },
      { Regex: "a|b " },
    ),
    weight: 20,
  },
  { arbitrary: fc.constantFrom<Value>({ Regex: "(a+)+b" }, { Regex: "(a|a)*c" }), weight: 1 },
);
const content = fc.constantFrom("", "a", "aa", "ab ab", "\u2581");
const flag = fc.boolean();
const one = (type: string, fields: Record<string, fc.Arbitrary<Value>> = {}) =>
  fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<Value>;
const some = (name: string, parts: readonly fc.Arbitrary<Value>[]) =>
  fc.option(
    fc.array(fc.oneof(...parts), { maxLength: 12 }).map((all) => ({ type: "Sequence", [name]: all })),
  );
/** Files whose components are all well formed. */
const wellFormed = fc.record({
  normalizer: some("normalizers", [
    ...["NFC", "NFKD", "NFKC", "Lowercase", "StripAccents", "BertNormalizer"].map((type) => one(type)),
    one("Strip", { strip_left: flag, strip_right: flag }),
    one("Prepend", { prepend: content }),
    one("Replace", { pattern, content }),
  ]),
  pre_tokenizer: some("pretokenizers", [
    ...["Punctuation", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Metaspace"].map((type) =>
      one(type),
    ),
    one("ByteLevel", { add_prefix_space: flag, use_regex: flag }),
    one("Digits", { individual_digits: flag }),
    one("FixedLength", { length: fc.integer({ min: 1, max: 3 }) }),
    one("CharDelimiterSplit", { delimiter: fc.constantFrom("a", " ", "") }),
    one("Split", {
      pattern,
      behavior: fc.constantFrom("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"),
      invert: flag,
    }),
  ]),
  decoder: some("decoders", [
    ...["ByteLevel", "ByteFallback", "Fuse", "Metaspace", "BPEDecoder", "CTC"].map((type) => one(type)),
    one("WordPiece", { prefix: content, cleanup: flag }),
    one("Strip", { content: fc.constantFrom(" ", "a"), start: fc.nat(3), stop: fc.nat(3) }),
    one("Replace", { pattern, content }),
  ]),
}) as fc.Arbitrary<Record<string, Value>>;

const texts = ["", "ab ba", `${"a".repeat(40)}!`, "é漢😀<s> ▁ab", "\uD800 \u0000"];

test("changed tokenizer files give text or an error with a code, in bounded time", () => {
  const settings = fuzzSettings(10_000, 120);
  let slowest = 0;
  let read = 0;
  const change = fc.tuple(fc.array(fc.nat(400), { minLength: 1, maxLength: 5 }), value);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.option(wellFormed),
      fc.oneof(fc.constant([]), fc.array(change, { maxLength: 2 })),
      fc.array(fc.nat(300)),
      (kind, parts, changes, ids) => {
        const [, json] = tokenizerKinds[kind % tokenizerKinds.length]!;
        const changed = changes.reduce<Value>((last, [path, part]) => mutate(last, path, part), {
          ...(json as Record<string, Value>),
          ...parts,
        });
        const bytes = new TextEncoder().encode(JSON.stringify(changed));
        const files = new Map([["tokenizer.json", bytes]]);
        const attempt = (action: () => void): void => {
          const start = performance.now();
          try {
            action();
          } catch (error) {
            if (!CheckpointError.is(error) && !MambaError.is(error)) throw error;
          }
          slowest = Math.max(slowest, performance.now() - start);
        };
        attempt(() => {
          const tokenizer = parseTokenizer(files);
          read++;
          for (const text of texts) attempt(() => tokenizer.encode(text, { specialTokens: true }));
          attempt(() => {
            const decoder = tokenizer.decoder();
            const text = ids.map((id) => decoder.push(id)).join("") + decoder.rest();
            expect(text).toBe(tokenizer.decode(ids));
          });
        });
      },
    ),
    settings,
  );
  console.log(`${read} of ${settings.numRuns} files are usable; the slowest took ${Math.round(slowest)} ms`);
  expect(read).toBeGreaterThan(settings.numRuns / 10);
  expect(slowest).toBeLessThan(10_000); // five texts, each with at most one that is stopped after a second
}, 3_000_000);
