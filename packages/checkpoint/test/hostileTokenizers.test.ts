import { MambaError } from "@mamba/core";
import { expect, test } from "vitest";
import { CheckpointError, parseTokenizer } from "../src/index.ts";
import { tinyTokenizer } from "./support/tokenizers.ts";

const base = tinyTokenizer["tokenizer.json"];
const encoder = new TextEncoder();
const parse = (json: object) =>
  parseTokenizer(new Map([["tokenizer.json", encoder.encode(JSON.stringify(json))]]));
const sequence = (member: string, count: number, part: object) => ({
  type: "Sequence",
  [member]: Array.from({ length: count }, () => part),
});
const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
const doubling = (String: string) => ({ type: "Replace", pattern: { String }, content: String + String });

function failure(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    expect(CheckpointError.is(error) || MambaError.is(error)).toBe(true);
    return error as CheckpointError;
  }
  throw new Error("nothing was refused");
}

test.each([
  ["a pre-tokenizer that backtracks", { pre_tokenizer: split("(a+)+b") }, "pre_tokenizer.pattern"],
  [
    "a normalizer that backtracks",
    { normalizer: { type: "Replace", pattern: { Regex: "(a|a)*c" }, content: "x" } },
    "normalizer.pattern",
  ],
  [
    "30 rules that double the text",
    { normalizer: sequence("normalizers", 30, doubling("a")) },
    "32 times as long",
  ],
])("%s is stopped on a short text", (_, part, words) => {
  const tokenizer = parse({ ...base, ...part });
  const start = performance.now();
  const error = failure(() => tokenizer.encode(`${"a".repeat(40)}!`));
  expect(performance.now() - start).toBeLessThan(4000); // the limit is one second
  expect(error).toMatchObject({ code: "TOKENIZER", message: expect.stringContaining(words) as string });
});

test("a regular expression that is stopped does not harm others, and known ones keep their time", () => {
  const hostile = parse({ ...base, pre_tokenizer: split("(a+)+b") });
  failure(() => hostile.encode("a".repeat(40)));
  const good = parse({ ...base, pre_tokenizer: sequence("pretokenizers", 2, split("(x|y)+z| ")) });
  expect(good.decode(good.encode("xyzxyz"))).toBe("xyzxyz");
  expect(hostile.encode("b")).toEqual([99]);
});

test("a decoder that grows or backtracks is stopped in a stream too", () => {
  const grows = parse({ ...base, decoder: sequence("decoders", 30, doubling("a")) }).decoder();
  expect(failure(() => grows.push(98))).toMatchObject({ code: "TOKENIZER" });
  const decoders = [{ type: "Fuse" }, ...Array.from({ length: 30 }, () => doubling("a"))];
  const joined = parse({ ...base, decoder: { type: "Sequence", decoders } });
  expect(failure(() => joined.decode([98]))).toMatchObject({ code: "TOKENIZER" });
});

test.each([
  [
    { pre_tokenizer: { type: "FixedLength", length: 0 } },
    "pre_tokenizer.length must be a whole number from 1",
  ],
  [{ pre_tokenizer: { ...split("a"), behavior: 5 } }, "pre_tokenizer.behavior must be Removed or"],
  [{ pre_tokenizer: { ...split("("), invert: false } }, "pre_tokenizer.pattern: not a regular expression"],
  [
    { pre_tokenizer: split("a".repeat(3000)) },
    "pre_tokenizer.pattern must be a regular expression of at most",
  ],
  [{ pre_tokenizer: { type: "Split", pattern: 5, behavior: "Removed" } }, "pre_tokenizer.pattern must be"],
  [{ pre_tokenizer: { type: "constructor" } }, 'pre_tokenizer: type "constructor" is not one of'],
  [{ normalizer: { type: "Replace", pattern: { String: "" }, content: "x" } }, "normalizer.pattern must be"],
  [{ normalizer: { type: "Prepend", prepend: {} } }, "normalizer.prepend must be a string"],
  [
    { normalizer: sequence("normalizers", 100, { type: "NFC" }) },
    "normalizer.normalizers must be a list of at most 64",
  ],
  [{ decoder: { type: "WordPiece", prefix: {} } }, "decoder.prefix must be a string"],
  [{ decoder: { type: "BPEDecoder", suffix: [] } }, "decoder.suffix must be a string"],
  [
    { decoder: { type: "Strip", content: " ", start: 1e9 } },
    "decoder.start must be a whole number from 0 to 1024",
  ],
  [{ decoder: 7 }, "decoder must be an object"],
  [{ post_processor: { type: "TemplateProcessing", single: [{}] } }, "post_processor.single[0] must be"],
  [
    { post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "no" } }] } },
    "must be a token of the vocabulary",
  ],
  [{ added_tokens: [{ id: 2 ** 30, content: "a" }] }, "added_tokens[0].id must be token ids"],
  [{ added_tokens: [{ id: 1, content: "a".repeat(2000) }] }, "added_tokens[0].content must be"],
  [{ model: { ...base.model, merges: [["h"]] } }, "model.merges[0] must be two tokens"],
  [{ model: { ...base.model, merges: ["h q"] } }, "model.merges[0]"],
  [{ model: { ...base.model, type: "Legacy" } }, 'model: type "Legacy" is not one of'],
  [{ model: { type: "Unigram", vocab: [["a", "b"]] } }, "model.vocab[0] must be a token and a finite number"],
])("%j is refused when it is read, by the field's name", (part, words) => {
  expect(failure(() => parse({ ...base, ...part }))).toMatchObject({
    code: "TOKENIZER",
    message: expect.stringContaining(
      `tokenizer.json: ${words}`.slice(words.startsWith("must") ? 16 : 0),
    ) as string,
  });
});

test("three million tokens are refused before they are parsed", () => {
  const bytes = encoder.encode(`{"model":{"vocab":{${'"a":1,'.repeat(3e6)}"b":2}}}`);
  const before = process.memoryUsage().rss;
  expect(failure(() => parseTokenizer(new Map([["tokenizer.json", bytes]])))).toMatchObject({
    code: "TOO_LARGE",
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
});

test("a unigram model whose tokens all fit everywhere takes time in proportion to the text", () => {
  const vocab = Array.from({ length: 250 }, (_, i) => ["a".repeat(i + 1), -1 - i]);
  const tokenizer = parse({
    ...base,
    added_tokens: [],
    pre_tokenizer: null,
    model: { type: "Unigram", vocab, unk_id: 0 },
  });
  const start = performance.now();
  expect(tokenizer.encode("a".repeat(20_000)).length).toBeGreaterThan(0);
  expect(performance.now() - start).toBeLessThan(4000);
});
