import { byteTokenizer, MambaError } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { refusal } from "../../test/support/folders.ts";
import { tinyTokenizer } from "../../test/support/tokenizers.ts";
import { blobFiles } from "../sources/blob.ts";
import { parseTokenizer } from "./parse.ts";
import { findTokenizer } from "./read.ts";

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

/** A tokenizer in the form of Llama's: `<s>` and a blank before every text. */
function llama(form: "normalizer" | "Metaspace") {
  const special = (content: string, id: number) => ({ content, id, special: true });
  const vocab = {
    "<unk>": 0,
    "<s>": 1,
    "</s>": 2,
    "▁": 3,
    "<|im_end|>": 4,
    "▁a": 5,
    ab: 6,
    b: 7,
    a: 8,
    "▁b": 9,
  };
  const prefix = { type: "Prepend", prepend: "▁" };
  const blanks = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const template = [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }];
  return parseTokenizer(
    files({
      "tokenizer.json": {
        added_tokens: [special("<unk>", 0), special("<s>", 1), special("</s>", 2), special("<|im_end|>", 4)],
        normalizer: form === "normalizer" ? { type: "Sequence", normalizers: [prefix, blanks] } : null,
        pre_tokenizer:
          form === "Metaspace" ? { type: "Metaspace", replacement: "▁", prepend_scheme: "first" } : null,
        post_processor: {
          type: "TemplateProcessing",
          single: template,
          special_tokens: { "<s>": { ids: [1] } },
        },
        decoder: { type: "Metaspace", replacement: "▁" },
        model: {
          type: "BPE",
          unk_token: "<unk>",
          vocab,
          merges: [
            ["▁", "a"],
            ["▁", "b"],
            ["a", "b"],
          ],
        },
      },
      "tokenizer_config.json": {
        bos_token: "<s>",
        eos_token: { content: "</s>" },
        pad_token: null,
        chat_template: [
          { name: "tools", template: "t" },
          { name: "default", template: "{{ messages }}" },
        ],
      },
    }),
  );
}

test.each(["normalizer", "Metaspace"] as const)(
  "a continuation has no token and no blank before it: %s",
  (form) => {
    const tokenizer = llama(form);
    expect(tokenizer.encode("b")).toEqual([1, 9]);
    expect(tokenizer.encode("b", { continuation: true })).toEqual([7]);
    expect(tokenizer.encode(" b", { continuation: true })).toEqual([9]);
    const parts = [...tokenizer.encode("a b"), ...tokenizer.encode("ab a", { continuation: true })];
    expect(tokenizer.decode(parts)).toBe("a bab a");
  },
);

test("special tokens in a text are plain text unless asked for", () => {
  const tokenizer = llama("normalizer");
  expect(tokenizer.encode("a<|im_end|>", { specialTokens: true, continuation: true })).toEqual([8, 4]);
  expect(tokenizer.encode("a<|im_end|>", { continuation: true })).not.toContain(4);
  expect(tokenizer.decode([8, 4])).toBe("a");
  expect(tokenizer.decode([8, 4], { specialTokens: true })).toBe("a<|im_end|>");
});

test("the files' special tokens and chat template are shown", () => {
  const { specialTokens, namedTokens, chatTemplates, vocabSize, stopIds } = llama("Metaspace");
  expect([...specialTokens]).toEqual([
    ["<unk>", 0],
    ["<s>", 1],
    ["</s>", 2],
    ["<|im_end|>", 4],
  ]);
  expect(namedTokens).toEqual({ bos: { text: "<s>", id: 1 }, eos: { text: "</s>", id: 2 } });
  expect({ chatTemplate: chatTemplates.get("default"), vocabSize, stopIds }).toEqual({
    chatTemplate: "{{ messages }}",
    vocabSize: 10,
    stopIds: [2],
  });
});

test("without added special tokens a text keeps its blank, but no BOS", () => {
  for (const form of ["normalizer", "Metaspace"] as const) {
    const tokenizer = llama(form);
    expect(tokenizer.encode("b")).toEqual([1, 9]);
    expect(tokenizer.encode("b", { addSpecialTokens: false })).toEqual([9]);
    expect(tokenizer.encode("<s>b", { addSpecialTokens: false, specialTokens: true })[0]).toBe(1);
  }
});

test("special tokens are not found in literals, nor where they overlap one", () => {
  const tokenizer = llama("Metaspace");
  const text = "<s>a<s></s>";
  const encode = (...literals: [number, number][]) =>
    tokenizer
      .encode(text, {
        specialTokens: true,
        addSpecialTokens: false,
        literals: literals.map(([start, end]) => ({ start, end })),
      })
      .filter((id) => id === 1 || id === 2);
  expect(encode()).toEqual([1, 1, 2]);
  expect(encode([3, 4])).toEqual([1, 1, 2]);
  expect(encode([0, 1])).toEqual([1, 2]);
  expect(encode([2, 3], [4, 5])).toEqual([2]);
  expect(encode([6, 8])).toEqual([1]);
  expect(encode([0, 11])).toEqual([]);
});

test("named templates come from their folder and from tokenizer_config.json, and are files like the others", async () => {
  const all = files({ "tokenizer.json": tinyTokenizer["tokenizer.json"] });
  const put = (name: string, text: string) => all.set(name, new TextEncoder().encode(text));
  put("additional_chat_templates/tool_use.jinja", "tools");
  put("additional_chat_templates/rag-2.jinja", "rag");
  put("additional_chat_templates/../x.jinja", "outside");
  put("additional_chat_templates/notes.txt", "notes");
  const read = async () => (await findTokenizer(blobFiles(all)))!;
  expect([...(await read()).chatTemplates]).toEqual([
    ["rag-2", "rag"],
    ["tool_use", "tools"],
  ]);
  put("chat_template.jinja", "default");
  const { chatTemplates, files: kept } = await read();
  expect(chatTemplates.get("default")).toBe("default");
  expect([...kept.keys()].filter((name) => name.includes("template"))).toEqual([
    "chat_template.jinja",
    "additional_chat_templates/rag-2.jinja",
    "additional_chat_templates/tool_use.jinja",
  ]);
  all.set("tokenizer_config.json", bytesOf({ chat_template: "of the config" }));
  expect([...(await read()).chatTemplates]).toContainEqual(["default", "of the config"]);
  expect(tiny.chatTemplates.size).toBe(0);
});

const word = (behavior: string, invert: boolean) => ({
  type: "Split",
  pattern: { Regex: "-" },
  behavior,
  invert,
});
test.each([
  [word("Removed", false), ["a", "b"]],
  [word("Isolated", false), ["a", "-", "-", "b"]],
  [word("MergedWithPrevious", false), ["a-", "-", "b"]],
  [word("MergedWithNext", false), ["a", "-", "-b"]],
  [word("Contiguous", false), ["a", "--", "b"]],
  [word("Removed", true), ["-", "-"]],
  [{ type: "Punctuation" }, ["a", "-", "-", "b"]],
  [{ type: "Digits", individual_digits: true }, ["a--b"]],
  [{ type: "FixedLength", length: 3 }, ["a--", "b"]],
  [{ type: "Whitespace" }, ["a", "--", "b"]],
])("words of a--b by %j", (pre_tokenizer, words) => {
  const tokens = ["a", "b", "-", "--", "a-", "-b", "a--", "a--b"];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const tokenizer = parseTokenizer(
    files({ "tokenizer.json": { pre_tokenizer, model: { type: "WordLevel", vocab } } }),
  );
  expect(tokenizer.encode("a--b").map((id) => tokens[id])).toEqual(words);
});
