import { byteTokenizer, MambaError } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { refusal } from "../../test/support/folders.ts";
import { tinyTokenizer } from "../../test/support/tokenizers.ts";
import { parseTokenizer } from "./parse.ts";

const bytesOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const files = (json: Record<string, unknown>) =>
  new Map(Object.entries(json).map(([name, value]) => [name, bytesOf(value)]));
const tiny = parseTokenizer(files(tinyTokenizer));

test("byte-level BPE merges as its table says", () => {
  expect(tiny.encode("hello w")).toEqual([260, 261]);
  expect(tiny.decode([260, 261])).toBe("hello w");
  expect(tiny.encode("<|endoftext|>a", { specialTokens: true })).toEqual([0, 98]);
  expect(tiny.decode(tiny.encode("<|endoftext|>a"))).toBe("<|endoftext|>a");
});

test.each([
  ["tokenizer.json", tiny],
  ["bytes", byteTokenizer(256)],
])("%s: any text comes back, and a window of ids decodes to a part of it", (_, tokenizer) => {
  const text = fc.string({ unit: "grapheme" }).map((value) => value.normalize("NFC"));
  fc.assert(
    fc.property(text, fc.nat(), (value, cut) => {
      const ids = tokenizer.encode(value);
      expect(tokenizer.decode(ids)).toBe(value);
      const head = tokenizer.decode(ids.slice(0, cut % (ids.length + 1))).replace(/\uFFFD+$/, "");
      expect(value.startsWith(head)).toBe(true);
    }),
  );
});

test("half a character decodes to U+FFFD, and nothing decodes to nothing", () => {
  const ids = tiny.encode("é");
  expect(ids).toHaveLength(2);
  expect(tiny.decode(ids.slice(0, 1))).toBe("\uFFFD");
  expect(tiny.decode([])).toBe("");
  expect(byteTokenizer(256).decode([0xc3])).toBe("\uFFFD");
  expect(byteTokenizer(256).decode([])).toBe("");
});

test("ids beyond the text's tokens decode to nothing, as the table may have more rows", () => {
  expect(tiny.decode([98, 50_000, -1, 99])).toBe("ab");
  expect(byteTokenizer(300).decode([97, 299, -1])).toBe("a");
});

test("the end token comes from the caller, or else from tokenizer_config.json", () => {
  expect(tiny.stopIds).toEqual([0]);
  expect(parseTokenizer(files(tinyTokenizer), [5, 6]).stopIds).toEqual([5, 6]);
  const { "tokenizer.json": json } = tinyTokenizer;
  expect(parseTokenizer(files({ "tokenizer.json": json })).stopIds).toEqual([]);
  const config = { eos_token: { content: "<|endoftext|>" } };
  expect(parseTokenizer(files({ "tokenizer.json": json, "tokenizer_config.json": config })).stopIds).toEqual([
    0,
  ]);
});

test("text that the model has no ids for is an error", async () => {
  expect(() => byteTokenizer(100).encode("zoo")).toThrow(MambaError);
  const { "tokenizer.json": json } = tinyTokenizer;
  const model = { ...json.model, unk_token: "gone", vocab: { a: 0, b: 1 }, merges: [] };
  const poor = parseTokenizer(files({ "tokenizer.json": { ...json, added_tokens: [], model } }));
  expect(poor.encode("ab")).toEqual([0, 1]);
  expect(await refusal(() => poor.encode("abc"))).toMatchObject({ code: "TOKENIZER" });
});

test("no tokenizer.json crashes in another way than a CheckpointError", async () => {
  const part = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.record({ type: fc.constantFrom("BPE", "Sequence", "NFC", "Unigram") }),
  );
  const json = fc.record({
    model: fc.oneof(part, fc.record({ type: fc.constant("BPE"), vocab: part, merges: part })),
    normalizer: part,
    pre_tokenizer: part,
    post_processor: part,
    decoder: part,
    added_tokens: part,
  });
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      await refusal(() => {
        parseTokenizer(files({ "tokenizer.json": value }));
        return refusalOf("TOKENIZER"); // a usable one is fine as well
      });
    }),
  );
});

async function refusalOf(code: "TOKENIZER"): Promise<never> {
  const { CheckpointError } = await import("../errors.ts");
  throw new CheckpointError(code, "none");
}
