import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import type { GgufValue } from "../src/formats/gguf/metadata.ts";
import { parseTokenizer } from "../src/index.ts";
import { tokenizerFromGguf } from "../src/tokenizer/gguf/read.ts";
import { splitKinds } from "../src/tokenizer/gguf/preTokenizers.ts";
import { tokenizerToGguf } from "../src/tokenizer/gguf/write.ts";
import { refusal } from "./support/folders.ts";
import { byteLevelJson, ggufTokenizers, hardText, llamaJson, tokenizerOf } from "./support/ggufTokenizers.ts";
import { tokenizerKinds } from "./support/tokenizerKinds.ts";
import { tinyTokenizer } from "./support/tokenizers.ts";

type Metadata = ReadonlyMap<string, GgufValue>;
const rows = 512;
const key = (name: string) => `tokenizer.ggml.${name}`;
const text = (value: string): GgufValue => ({ type: "string", value });
const u32 = (value: number): GgufValue => ({ type: "u32", value });
const list = (value: readonly string[]): GgufValue => ({ type: "array", items: "string", value });
const bool = (value: boolean): GgufValue => ({ type: "bool", value });
const ints = (value: readonly number[]): GgufValue => ({ type: "array", items: "i32", value });
const floats = (value: readonly number[]): GgufValue => ({ type: "array", items: "f32", value });

describe.each(ggufTokenizers)("%s, from its metadata without its tokenizer.json", (name, original) => {
  const { metadata, notes } = tokenizerToGguf(original, { rows, keepJson: false });
  const { tokenizer: rebuilt, notes: readNotes, stopIds } = tokenizerFromGguf(metadata);

  test("has the same ids and texts", () => {
    expect(notes).toEqual([]);
    expect(readNotes).toEqual([]);
    expect(rebuilt?.kind).toBe("gguf");
    if (!/ |tiny|bytes/.test(name) && name !== "llama") expect(metadata.get(key("pre"))).toEqual(text(name));
    // The token that ends a text of bytes has no text in a tokenizer of bytes.
    for (const specialTokens of name === "bytes" ? [false] : [false, true]) {
      for (const continuation of [false, true]) {
        const options = { specialTokens, continuation };
        const ids = original.encode(hardText, options);
        expect(rebuilt?.encode(hardText, options)).toEqual(ids);
        expect(rebuilt?.decode(ids, { specialTokens })).toBe(original.decode(ids, { specialTokens }));
      }
    }
    const { eos, bos } = original.namedTokens;
    if (eos) expect(rebuilt?.namedTokens.eos).toEqual(eos);
    if (bos) expect(rebuilt?.namedTokens.bos).toEqual(bos);
    const expected = original.stopIds.length > 0 ? original.stopIds : [];
    expect(stopIds).toEqual(expected);
    expect([...(rebuilt?.specialTokens ?? [])]).toEqual(expect.arrayContaining([...original.specialTokens]));
  });

  test("has metadata in llama.cpp's form", () => {
    const tokens = metadata.get(key("tokens"));
    expect(tokens?.type === "array" && tokens.value.length).toBe(rows);
    const types = metadata.get(key("token_type"));
    expect(types?.type === "array" && types.items === "i32" && types.value.length).toBe(rows);
    expect(metadata.get(key("model"))).toEqual(
      text(name.startsWith("llama") && name !== "llama-bpe" ? "llama" : "gpt2"),
    );
    if (tokens?.type === "array") {
      expect(new Set(tokens.value as readonly string[]).size).toBe(rows);
      expect(tokens.value[rows - 1]).toBe(`[PAD${rows - 1}]`);
    }
    expect(metadata.has("tokenizer.huggingface.json")).toBe(false);
  });
});

test("the files of a rebuilt tokenizer are read by the library of Hugging Face, with the same ids", () => {
  const simple = "Hello world hello w 12345  I'll say é 漢字 aaaa\nnew line";
  for (const [name, original] of ggufTokenizers) {
    if (name.startsWith("falcon")) continue; // the library splits bytes that look like digits differently
    const { tokenizer } = tokenizerFromGguf(tokenizerToGguf(original, { rows, keepJson: false }).metadata);
    const [json, config] = ["tokenizer.json", "tokenizer_config.json"].map(
      (file) => JSON.parse(new TextDecoder().decode(tokenizer?.files.get(file))) as object,
    );
    const library = new Tokenizer(json as never, config as never);
    expect([name, library.encode(simple).ids]).toEqual([name, original.encode(simple)]);
    const again = parseTokenizer(tokenizer?.files ?? new Map());
    expect(again.encode(hardText)).toEqual(original.encode(hardText));
  }
});

test("the whole tokenizer.json is kept and read first, for tokenizers that metadata describe in part", () => {
  for (const [name, original] of ggufTokenizers) {
    const { metadata } = tokenizerToGguf(original, { rows });
    expect(metadata.has("tokenizer.huggingface.json")).toBe(name !== "bytes");
    const { tokenizer } = tokenizerFromGguf(metadata);
    expect(tokenizer?.encode(hardText)).toEqual(original.encode(hardText));
    expect(tokenizer?.kind).toBe("gguf");
    expect(tokenizer?.stopIds).toEqual(original.stopIds);
  }
  // Without byte-level BPE in the arrays: the tokenizer.json alone is enough.
  const [, kind] = tokenizerKinds.find(([name]) => name === "WordPiece")!;
  const { tokenizer } = tokenizerFromGguf(
    new Map([["tokenizer.huggingface.json", text(JSON.stringify(kind))]]),
  );
  expect(tokenizer?.encode("a b")).toEqual(tokenizerOf(kind as never).encode("a b"));
});

test("chat templates are kept as they are, and written back", () => {
  const named = [
    { name: "default", template: "{{ messages }}" },
    { name: "tool_use", template: "{% tools %}" },
  ];
  const { "tokenizer.json": json, "tokenizer_config.json": config } = tinyTokenizer;
  const original = tokenizerOf(json, { ...config, chat_template: named });
  for (const keepJson of [false, true]) {
    const { metadata } = tokenizerToGguf(original, { rows, keepJson });
    expect(metadata.get("tokenizer.chat_template")).toEqual(text("{{ messages }}"));
    expect(metadata.get("tokenizer.chat_template.tool_use")).toEqual(text("{% tools %}"));
    expect(metadata.get("tokenizer.chat_templates")).toEqual(list(["tool_use"]));
    const { tokenizer } = tokenizerFromGguf(metadata);
    expect(tokenizer?.chatTemplates.get("default")).toBe("{{ messages }}");
    const written = JSON.parse(
      new TextDecoder().decode(tokenizer?.files.get("tokenizer_config.json")),
    ) as object;
    expect(written).toMatchObject({ chat_template: named, eos_token: "<|endoftext|>" });
  }
});

test("a vocab.json with merges.txt is written as its tokenizer.json would be", () => {
  const { model } = tinyTokenizer["tokenizer.json"];
  const encode = (value: unknown) =>
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  const files = new Map([
    ["vocab.json", encode(model.vocab)],
    ["merges.txt", encode(`#version: 0.2\n${model.merges.join("\n")}\n`)],
  ]);
  const original = { ...tokenizerOf(tinyTokenizer["tokenizer.json"]), kind: "vocab.json" as const, files };
  const { metadata } = tokenizerToGguf(original, { rows });
  expect(metadata.get(key("pre"))).toEqual(text("gpt-2")); // without a tokenizer_config.json it is that of GPT-2
  expect(tokenizerFromGguf(metadata).tokenizer?.encode("hello w")).toEqual([260, 261]);
});

const base = (changes: Record<string, GgufValue | undefined> = {}): Metadata => {
  const { metadata } = tokenizerToGguf(tokenizerOf(byteLevelJson), { rows: 290, keepJson: false });
  return changed(metadata, changes);
};
const llama = (changes: Record<string, GgufValue | undefined> = {}): Metadata =>
  changed(tokenizerToGguf(tokenizerOf(llamaJson), { rows, keepJson: false }).metadata, changes);
const changed = (metadata: Metadata, changes: Record<string, GgufValue | undefined>): Metadata => {
  const copy = new Map(metadata);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) copy.delete(key(name));
    else copy.set(key(name), value);
  }
  return copy;
};
const tokensOf = (metadata: Metadata): string[] => {
  const found = metadata.get(key("tokens"));
  return found?.type === "array" && found.items === "string" ? [...found.value] : [];
};
const withToken = (id: number, token: string) => tokensOf(base()).map((old, i) => (i === id ? token : old));

test.each<[string, Metadata, string]>([
  ["no tokens", base({ tokens: undefined }), "expected tokens"],
  ["tokens that are numbers", base({ tokens: ints([1]) }), "a list of strings"],
  ["the same token twice", base({ tokens: list(withToken(5, "!")) }), "the same token"],
  ["fewer types than tokens", base({ token_type: ints([1, 2]) }), "as many as there are tokens"],
  ["a type above 6", base({ token_type: ints(Array.from({ length: 290 }, () => 7)) }), "from 0 to 6"],
  ["a type that is text", base({ token_type: list(["1"]) }), "a list of numbers"],
  ["fewer scores than tokens", llama({ scores: floats([1]) }), "as many as there are tokens"],
  ["no scores", llama({ scores: undefined }), "expected a score"],
  ["a score that is no number", llama({ scores: floats(Array.from({ length: rows }, () => NaN)) }), "finite"],
  ["scores of 64 bits", llama({ scores: { type: "array", items: "i64", value: [1n] } }), "a list of numbers"],
  [
    "a byte token with a sign",
    llama({ tokens: list(tokensOf(llama()).map((t) => (t === "<0x01>" ? "<0x-1>" : t))) }),
    "a byte such as",
  ],
  [
    "a byte token with three digits",
    llama({ tokens: list(tokensOf(llama()).map((t) => (t === "<0x01>" ? "<0x001>" : t))) }),
    "a byte such as",
  ],
  ["a merge of one token", base({ merges: list(["ab"]) }), "two tokens"],
  ["a merge that ends with a blank", base({ merges: list(["ab "]) }), "two tokens"],
  ["a merge of unknown tokens", base({ merges: list(["zzz yyy"]) }), "not in the vocabulary"],
  ["merges that are numbers", base({ merges: ints([1]) }), "a list of strings"],
  ["a flag that is a number", base({ add_bos_token: u32(1) }), "true or false"],
  ["an id that is text", base({ eos_token_id: text("1") }), "a whole number"],
  ["a model that is a number", base({ model: u32(1) }), "a string"],
  [
    "a template that is a list",
    changed(base(), {}).size ? new Map([...base(), ["tokenizer.chat_template", list(["x"])]]) : base(),
    "a string",
  ],
  [
    "a long template",
    new Map([...base(), ["tokenizer.chat_template", text("x".repeat(2 ** 20 + 1))]]),
    "at most",
  ],
  [
    "a token above the limits of merges",
    llama({ tokens: list(tokensOf(llama()).map((t) => (t === "▁world" ? "a".repeat(300) : t))) }),
    "256 characters",
  ],
  [
    "a tokenizer.json above the rows",
    new Map([
      ...base({ tokens: list(["a", "b"]) }),
      ["tokenizer.huggingface.json", text(JSON.stringify(byteLevelJson))],
    ]),
    "the file has 2 tokens",
  ],
])("metadata with %s are refused", async (_, metadata, words) => {
  expect(await refusal(() => tokenizerFromGguf(metadata))).toMatchObject({
    code: "TOKENIZER",
    message: expect.stringContaining(words) as string,
  });
});

test.each<[string, Metadata, string]>([
  ["no model", base({ model: undefined }), "has no tokenizer"],
  ["the model none", base({ model: text("none") }), "has no tokenizer"],
  ...["bert", "t5", "rwkv", "plamo2"].map((model): [string, Metadata, string] => [
    model,
    base({ model: text(model) }),
    `"${model}"`,
  ]),
  ["an unknown way to split texts", base({ pre: text("tekken") }), '"tekken"'],
])("metadata with %s give no tokenizer, and say why", (_, metadata, words) => {
  const found = tokenizerFromGguf(changed(metadata, { eos_token_id: u32(0), eot_token_id: u32(5) }));
  expect(found.tokenizer).toBeUndefined();
  expect(found.noTokenizer).toContain(words);
  expect(found.stopIds).toEqual([0, 5]);
});

test("a file that does not say how it splits texts is read as GPT-NeoX does, with a note", () => {
  for (const pre of [undefined, text("default")]) {
    const { tokenizer, notes } = tokenizerFromGguf(base({ pre }));
    expect(notes).toEqual([expect.stringContaining("GPT-NeoX") as string]);
    expect(tokenizer?.encode("e\u0301")).toEqual(tokenizer?.encode("é"));
  }
});

test("ids beyond the vocabulary are left out with a note, and no token is added for them", () => {
  const { tokenizer, notes } = tokenizerFromGguf(
    base({
      bos_token_id: u32(290),
      add_bos_token: bool(true),
      padding_token_id: u32(2 ** 32 - 1),
      eos_token_id: { type: "u64", value: 3n },
    }),
  );
  expect(notes).toHaveLength(3);
  expect(tokenizer?.namedTokens).toEqual({ eos: { id: 3, text: "Ă" } });
  expect(tokenizer?.encode("a")).toEqual([98]);
  expect(tokenizer?.stopIds).toEqual([3]);
});

test("flags that are missing have the defaults of llama.cpp", () => {
  const missing = { add_bos_token: undefined, add_eos_token: undefined, add_space_prefix: undefined };
  const { tokenizer } = tokenizerFromGguf(
    llama({ ...missing, bos_token_id: undefined, eos_token_id: undefined, unknown_token_id: undefined }),
  );
  expect(tokenizer?.namedTokens).toMatchObject({ bos: { id: 1 }, eos: { id: 2 }, unk: { id: 0 } });
  expect(tokenizer?.encode("a")[0]).toBe(1);
  expect(tokenizer?.decode(tokenizer.encode("a"))).toBe("a");
  const marks = (pre: string) =>
    tokenizerFromGguf(base({ ...missing, pre: text(pre), bos_token_id: u32(0) })).tokenizer?.encode("a");
  expect(marks("gpt-2")).toEqual([98]);
  expect(marks("llama-bpe")).toEqual([0, 98]);
  const both = base({
    bos_token_id: u32(0),
    eos_token_id: u32(1),
    add_bos_token: bool(true),
    add_eos_token: bool(true),
  });
  expect(tokenizerFromGguf(both).tokenizer?.encode("a")).toEqual([0, 98, 1]);
});

test("control tokens are not spelled by plain text, even where whole words are tokens", () => {
  const tokens = tokensOf(base());
  const types = tokens.map((token) => (token === "hello" ? 3 : 1));
  const merges = (base().get(key("merges")) as { value: readonly string[] }).value.filter(
    (merge) => merge !== "hell o",
  );
  const metadata = base({
    pre: text("llama-bpe"),
    add_bos_token: bool(false),
    token_type: ints(types),
    merges: list(merges),
  });
  const { tokenizer } = tokenizerFromGguf(metadata);
  const id = tokens.indexOf("hello");
  expect(tokenizer?.encode("hello")).not.toContain(id);
  expect(tokenizer?.encode("hello", { specialTokens: true })).toEqual([id]);
});

test("unused and empty tokens have no text of their own", () => {
  const { tokenizer } = tokenizerFromGguf(base({ tokens: list(withToken(289, "")) }));
  expect(tokenizer?.decode([289])).toBe("");
  expect(tokenizer?.encode("[PAD288]")).not.toContain(288);
});

test("names are different, and every name of llama.cpp leads to one kind", () => {
  const names = splitKinds.flatMap((kind) => kind.names);
  expect(new Set(names).size).toBe(names.length);
  for (const pre of names) expect(tokenizerFromGguf(base({ pre: text(pre) })).tokenizer).toBeDefined();
});

const model = (changes: object) => ({
  ...byteLevelJson,
  model: { ...(byteLevelJson["model"] as object), ...changes },
});
const llamaModel = (changes: object) => ({
  ...llamaJson,
  model: { ...(llamaJson["model"] as { merges: string[] }), ...changes },
});
const { merges: llamaMerges } = llamaJson["model"] as { merges: string[] };

test.each<[string, Record<string, unknown>, string]>([
  ...tokenizerKinds
    .filter(([name]) => name !== "byte-level BPE")
    .map(([name, json]): [string, Record<string, unknown>, string] => [
      name,
      json as Record<string, unknown>,
      "WordLevel",
    ]),
  ["a suffix of words", model({ end_of_word_suffix: "</w>" }), "end_of_word_suffix"],
  ["another decoder", { ...byteLevelJson, decoder: { type: "Fuse" } }, "decoder is Fuse"],
  ["another normalizer", { ...byteLevelJson, normalizer: { type: "Lowercase" } }, "normalizer is Lowercase"],
  ["another way to split", { ...byteLevelJson, pre_tokenizer: { type: "Whitespace" } }, "Whitespace"],
  [
    "NFC where no name has it",
    { ...model({ ignore_merges: true }), normalizer: { type: "NFC" } },
    "ignore_merges true",
  ],
  [
    "too many marks",
    {
      ...byteLevelJson,
      post_processor: {
        type: "Sequence",
        processors: [1, 2].map(() => ({ type: "BertProcessing", sep: ["!", 1], cls: ["!", 1] })),
      },
    },
    "more than one token",
  ],
  [
    "Metaspace",
    {
      ...llamaJson,
      normalizer: null,
      pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
    },
    "Metaspace",
  ],
  ["another decoder of Llama", { ...llamaJson, decoder: { type: "ByteFallback" } }, "decoder ByteFallback"],
  ["fewer bytes", llamaModel({ vocab: { "<unk>": 0, a: 1 }, merges: [] }), "0 tokens of bytes"],
  [
    "merges without one of the pairs",
    llamaModel({ merges: llamaMerges.filter((merge) => merge !== "aa aa") }),
    "do not follow from scores",
  ],
  [
    "merges in another order",
    llamaModel({ merges: [...llamaMerges.slice(1), llamaMerges[0]!, llamaMerges[1]!] }),
    "do not follow from scores",
  ],
])("a tokenizer with %s cannot be written", async (_, json, words) => {
  const original = tokenizerOf(json);
  expect(await refusal(() => tokenizerToGguf(original, { rows }))).toMatchObject({
    code: "TOKENIZER",
    message: expect.stringContaining(words) as string,
  });
});

test("a tokenizer with more ids than the model has rows cannot be written", async () => {
  const found = await refusal(() => tokenizerToGguf(tokenizerOf(byteLevelJson), { rows: 270 }));
  expect(found.message).toContain("the model has 270 rows");
});

test("properties of added tokens that GGUF lacks are noted, unless the tokenizer.json is kept", () => {
  const added = [{ id: 400, content: "<x>", special: true, lstrip: true }];
  const original = tokenizerOf({ ...byteLevelJson, added_tokens: added });
  expect(tokenizerToGguf(original, { rows, keepJson: false }).notes).toEqual([
    expect.stringContaining("<x>") as string,
  ]);
  expect(tokenizerToGguf(original, { rows }).notes).toEqual([]);
});
