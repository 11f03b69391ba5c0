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

const texts = ["", "ab ba", `${"a".repeat(40)}!`, "é漢😀<s> ▁ab", "\uD800 \u0000"];

test("changed tokenizer files give text or an error with a code, in bounded time", () => {
  let slowest = 0;
  const change = fc.tuple(fc.array(fc.nat(400), { minLength: 1, maxLength: 5 }), value);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(300)),
      (kind, changes, ids) => {
        const [, json] = tokenizerKinds[kind % tokenizerKinds.length]!;
        const changed = changes.reduce<Value>(
          (last, [path, part]) => mutate(last, path, part),
          json as Value,
        );
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
          for (const text of texts) attempt(() => tokenizer.encode(text, { specialTokens: true }));
          attempt(() => {
            const decoder = tokenizer.decoder();
            const text = ids.map((id) => decoder.push(id)).join("") + decoder.rest();
            expect(text).toBe(tokenizer.decode(ids));
          });
        });
      },
    ),
    fuzzSettings(20_000, 400),
  );
  expect(slowest).toBeLessThan(10_000); // five texts, each with at most one that is stopped after a second
}, 3_000_000);
