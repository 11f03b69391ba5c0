import { MambaError, type TokenDecoder } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GgufValue } from "../src/formats/gguf/metadata.ts";
import { CheckpointError } from "../src/index.ts";
import { tokenizerFromGguf } from "../src/tokenizer/gguf/read.ts";
import { tokenizerToGguf } from "../src/tokenizer/gguf/write.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { ggufTokenizers, hardText, llamaJson, madeTokens, tokenizerOf } from "./support/ggufTokenizers.ts";

const rows = 512;

const stream = (decoder: TokenDecoder, ids: readonly number[]) => ids.map((id) => decoder.push(id));

/** Words and characters of the hard text, and any others. */
const texts = fc
  .array(
    fc.oneof(fc.constantFrom(...hardText.split(/(?<=\s)/u), ...hardText), fc.string({ unit: "grapheme" })),
    { maxLength: 12 },
  )
  .map((all) => all.join(""));

test.each(ggufTokenizers)(
  "%s: random texts and ids, whole and streamed, as by the metadata",
  (name, original) => {
    const { metadata } = tokenizerToGguf(original, { rows, keepJson: false });
    const { tokenizer: rebuilt } = tokenizerFromGguf(metadata);
    fc.assert(
      fc.property(texts, fc.array(fc.nat(rows)), fc.boolean(), (value, ids, isSpecial) => {
        const specialTokens = isSpecial && name !== "bytes"; // the end has a text in the metadata only
        const encoded = original.encode(value, { specialTokens });
        expect(rebuilt?.encode(value, { specialTokens })).toEqual(encoded);
        for (const some of [encoded, ids]) {
          expect(rebuilt?.decode(some, { specialTokens })).toBe(original.decode(some, { specialTokens }));
          if (!rebuilt) continue;
          const [one, other] = [rebuilt.decoder({ specialTokens }), original.decoder({ specialTokens })];
          expect(stream(one, some)).toEqual(stream(other, some));
          expect(one.rest()).toBe(other.rest());
        }
      }),
      fuzzSettings(4000, 25),
    );
  },
);

test("scores merge as SentencePiece does: the pair with the best result first, the leftmost of equals", () => {
  const original = tokenizerOf(llamaJson);
  const { metadata } = tokenizerToGguf(original, { rows, keepJson: false });
  const { tokenizer } = tokenizerFromGguf(metadata);
  const vocab = (llamaJson["model"] as { vocab: Record<string, number> }).vocab;
  const greedy = (value: string): number[] => {
    const symbols = [...`▁${value.replaceAll(" ", "▁")}`];
    for (;;) {
      const scores = symbols.map((symbol, i) => madeTokens.indexOf(symbol + (symbols[i + 1] ?? "\0")));
      const best = Math.min(...scores.filter((score) => score >= 0));
      if (best === Infinity) return symbols.map((symbol) => vocab[symbol]!);
      const at = scores.indexOf(best);
      symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!);
    }
  };
  const words = fc.constantFrom(
    "hello",
    "aaa",
    "a",
    " ",
    "  ",
    "the",
    " world",
    "1234",
    "12",
    "'ll",
    "it",
    "'s",
    "on",
    "漢字",
    "l",
    "o",
  );
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 12 }), (all) => {
      const value = all.join("");
      expect(tokenizer?.encode(value).slice(1)).toEqual(greedy(value));
    }),
    fuzzSettings(20_000, 200),
  );
});

const number = fc.oneof(fc.integer(), fc.nat(600), fc.constantFrom(0, -1, NaN, Infinity, 0.5, 2 ** 32 - 1));
const word = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    "",
    " ",
    "a b",
    "h e",
    "<0x41>",
    "<0x-1>",
    "▁",
    "__proto__",
    "[PAD1]",
    "<s>",
    "a".repeat(300),
  ),
);
const value: fc.Arbitrary<GgufValue> = fc.oneof(
  number.map((value): GgufValue => ({ type: "i32", value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): GgufValue => ({ type: "u64", value })),
  fc.boolean().map((value): GgufValue => ({ type: "bool", value })),
  fc
    .constantFrom(
      "gpt2",
      "llama",
      "bert",
      "none",
      "olmo",
      "llama-bpe",
      "falcon",
      "default",
      "x",
      '{"model": {}}',
      "{{ x }}",
    )
    .map((value): GgufValue => ({ type: "string", value })),
  fc.array(word, { maxLength: 5 }).map((value): GgufValue => ({ type: "array", items: "string", value })),
  fc.array(number, { maxLength: 5 }).map((value): GgufValue => ({ type: "array", items: "f32", value })),
);

/** Items of an array, or a value, in place of others. */
const change = fc.record({ key: fc.nat(), whole: fc.boolean(), at: fc.nat(600), value, number, word });

test("changed metadata give a tokenizer, none with a reason, or an error with a code, in bounded time", () => {
  const settings = fuzzSettings(40_000, 300);
  const whole = ggufTokenizers.map(
    ([, tokenizer]) => tokenizerToGguf(tokenizer, { rows, keepJson: false }).metadata,
  );
  const others = ["tokenizer.huggingface.json", "tokenizer.chat_template", "tokenizer.chat_templates"];
  const more = ["model", "scores", "merges", "eot_token_id", "padding_token_id", "add_space_prefix"];
  const counts = { read: 0, none: 0 };
  let slowest = 0;
  fc.assert(
    fc.property(fc.nat(), fc.array(change, { maxLength: 3 }), (which, changes) => {
      const metadata = new Map(whole[which % whole.length]);
      const keys = [...metadata.keys(), ...more.map((name) => `tokenizer.ggml.${name}`), ...others];
      for (const { key, whole, at, value, number, word } of changes) {
        const name = keys[key % keys.length]!;
        const old = metadata.get(name);
        if (whole || old?.type !== "array" || old.value.length === 0) metadata.set(name, value);
        else if (old.items === "string") {
          metadata.set(name, {
            ...old,
            value: old.value.map((text, i) => (i === at % old.value.length ? word : text)),
          });
        } else {
          const copy = Float32Array.from(old.value as ArrayLike<number>);
          copy[at % copy.length] = number;
          metadata.set(name, { type: "array", items: "f32", value: copy });
        }
      }
      const start = performance.now();
      try {
        const { tokenizer, noTokenizer, stopIds } = tokenizerFromGguf(metadata);
        for (const id of stopIds) expect(id).toBeGreaterThanOrEqual(0);
        if (tokenizer) {
          counts.read++;
          expect(tokenizer.vocabSize).toBeLessThanOrEqual(rows);
          const ids = tokenizer.encode("Hello 12  é <s>", { specialTokens: true });
          expect(typeof tokenizer.decode(ids)).toBe("string");
        } else {
          counts.none++;
          expect(noTokenizer).toMatch(/./);
        }
      } catch (error) {
        if (!CheckpointError.is(error) && !MambaError.is(error)) throw error;
      }
      slowest = Math.max(slowest, performance.now() - start);
    }),
    settings,
  );
  console.log(
    `${counts.read} of ${settings.numRuns} are read, ${counts.none} have none; slowest ${Math.round(slowest)} ms`,
  );
  expect(counts.read).toBeGreaterThan(settings.numRuns / 5);
  expect(slowest).toBeLessThan(5000);
}, 3_000_000);
