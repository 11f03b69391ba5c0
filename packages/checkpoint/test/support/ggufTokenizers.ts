import { byteTokenizer } from "@mamba/core";
import { type CheckpointTokenizer, parseTokenizer } from "../../src/index.ts";
import { tinyTokenizer } from "./tokenizers.ts";

/** Emoji, CJK, digits, tabs, contractions, runs of blanks, decomposed letters, control characters, spelled special tokens. */
export const hardText =
  "Hello, world! I'll say it's 12345 times — don't you've 3.14159?\tTab\t\ttabs\n\n\r\n  two   three    four blanks " +
  "hello hello w 👩‍👩‍👧‍👦🇩🇪🙂 漢字かな交じり文 한국어 مرحبا שלום Привет мир x²½¾ ٣٤٥ é e\u0301 Å A\u030a ﬁ \u00a0\u2003\u3000 \u0000\u0007 " +
  "<|endoftext|> <s> </s> [PAD3] <0x41> ▁▁ Ġ #!/bin/sh {[()]} aaaaaaa        \n    indented\n 999 1000000";

type Json = Record<string, unknown>;
const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

/** A tokenizer of a tokenizer.json and a tokenizer_config.json. */
export function tokenizerOf(
  json: Json,
  config: Json = {},
  stopIds: readonly number[] = [],
): CheckpointTokenizer {
  return parseTokenizer(
    new Map([
      ["tokenizer.json", bytes(json)],
      ["tokenizer_config.json", bytes(config)],
    ]),
    stopIds,
  );
}

const { "tokenizer.json": tiny, "tokenizer_config.json": tinyConfig } = tinyTokenizer;
const moreMerges = [
  "Ġ Ġ",
  "ĠĠ ĠĠ",
  "1 2",
  "12 3",
  "Ġ 1",
  "a a",
  "aa a",
  "' l",
  "'l l",
  "Ð ¼",
  "e Ì",
  "Ã ©",
  "å Ń",
];
const merges = [...tiny.model.merges, ...moreMerges];
const vocab = new Map(Object.entries(tiny.model.vocab));
for (const merge of moreMerges) vocab.set(merge.replace(" ", ""), vocab.size);

/** A byte-level tokenizer.json with some ways to split texts, and added tokens of both kinds. */
function byteLevel(changes: Json, model: Json = {}): Json {
  const size = vocab.size;
  return {
    ...tiny,
    added_tokens: [
      ...tiny.added_tokens,
      { id: size, content: "   ", special: false, normalized: true },
      { id: size + 2, content: "<|im_end|>", special: true, normalized: false },
      { id: size + 3, content: "[INST]", special: false, normalized: false },
    ],
    normalizer: null,
    post_processor: null,
    ...changes,
    model: { ...tiny.model, vocab: Object.fromEntries(vocab), merges, ...model },
  };
}

const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
const last = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
const gpt2 = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const sequence = (...pretokenizers: readonly object[]) => ({
  pre_tokenizer: { type: "Sequence", pretokenizers },
});
const llama3 = (number: string) =>
  split(
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${number}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  );
const nfc = { normalizer: { type: "NFC" } };
const bos = {
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<|endoftext|>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<|endoftext|>": { id: "<|endoftext|>", ids: [0], tokens: ["<|endoftext|>"] } },
  },
};

const byteNames = Array.from(
  { length: 256 },
  (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`,
);
const letters = Array.from("▁etaoinshrdlcumwfgypbvkxjqz.,!?'-0123456789漢字éм\n");
/** Tokens that merges make, the best first. */
const made = [
  ...[
    "▁▁",
    "▁t",
    "he",
    "▁a",
    "in",
    "▁the",
    "er",
    "on",
    "▁s",
    "ll",
    "▁▁▁▁",
    "aa",
    "▁w",
    "lo",
    "hel",
    "hello",
    "▁hello",
  ],
  ...[
    "'ll",
    "12",
    "aaa",
    "or",
    "▁wor",
    "ld",
    "▁world",
    "▁▁▁",
    "it",
    "▁it",
    "'s",
    "34",
    "123",
    "1234",
    "▁12",
    "aaaa",
    "漢字",
  ],
];

/** The merges of tokens as transformers makes them of a SentencePiece model: each pair whose result is a token, by its score. */
function scoredMerges(tokens: readonly string[]): string[] {
  const rank = new Map([...letters, ...made].map((token, i) => [token, i]));
  return tokens.flatMap((token) =>
    [...token].slice(1).flatMap((_, i): string[] => {
      const [left, right] = [[...token].slice(0, i + 1).join(""), [...token].slice(i + 1).join("")];
      return rank.has(left) && rank.has(right) ? [`${left} ${right}`] : [];
    }),
  );
}

/** A tokenizer.json in the form of Llama 2. */
function llama2(addsBlank: boolean): Json {
  const tokens = ["<unk>", "<s>", "</s>", ...byteNames, ...made, ...letters];
  const replace = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const strip = [{ type: "Strip", content: " ", start: 1, stop: 0 }];
  const added = (content: string, special = true) => ({
    id: tokens.indexOf(content),
    content,
    special,
    normalized: false,
  });
  return {
    version: "1.0",
    added_tokens: [
      added("<unk>"),
      added("<s>"),
      added("</s>"),
      { ...added("[INST]", false), id: tokens.length },
    ],
    normalizer: {
      type: "Sequence",
      normalizers: addsBlank ? [{ type: "Prepend", prepend: "▁" }, replace] : [replace],
    },
    pre_tokenizer: null,
    post_processor: addsBlank
      ? {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
          pair: [],
          special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
        }
      : null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(addsBlank ? strip : []),
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: scoredMerges(made),
    },
  };
}

const llamaConfig = { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" };
const bytesOnly: CheckpointTokenizer = {
  ...byteTokenizer(257, [256]),
  kind: "bytes",
  files: new Map(),
  vocabSize: 256,
  namedTokens: {},
  chatTemplates: new Map(),
};

/** Tokenizers that GGUF can describe, by the value of `tokenizer.ggml.pre`, or the model. */
export const ggufTokenizers: readonly (readonly [name: string, tokenizer: CheckpointTokenizer])[] = [
  ["tiny", tokenizerOf(tiny, tinyConfig)],
  ["gpt-2", tokenizerOf(byteLevel({}), tinyConfig)],
  ["gpt-2 with a blank", tokenizerOf(byteLevel({ pre_tokenizer: { ...gpt2, add_prefix_space: true } }))],
  ["olmo", tokenizerOf(byteLevel(nfc), tinyConfig)],
  ["starcoder", tokenizerOf(byteLevel(sequence({ type: "Digits", individual_digits: true }, gpt2)))],
  [
    "command-r",
    tokenizerOf(byteLevel({ ...nfc, ...sequence({ type: "Digits", individual_digits: true }, gpt2) })),
  ],
  [
    "llama-bpe",
    tokenizerOf(
      byteLevel({ ...sequence(llama3(String.raw`\p{N}{1,3}`), last), ...bos }, { ignore_merges: true }),
      tinyConfig,
    ),
  ],
  ["dbrx", tokenizerOf(byteLevel(sequence(llama3(String.raw`\p{N}{1,3}`), last)))],
  [
    "qwen2",
    tokenizerOf(byteLevel({ ...nfc, ...sequence(llama3(String.raw`\p{N}`), last) }), tinyConfig, [
      0,
      vocab.size + 2,
    ]),
  ],
  ["hunyuan", tokenizerOf(byteLevel(sequence(llama3(String.raw`\p{N}`), last)))],
  [
    "falcon",
    tokenizerOf(
      byteLevel(
        sequence(
          { type: "Punctuation", behavior: "Contiguous" },
          gpt2,
          { type: "Digits", individual_digits: false },
          split("[0-9][0-9][0-9]"),
        ),
      ),
      tinyConfig,
    ),
  ],
  ["llama", tokenizerOf(llama2(true), llamaConfig)],
  ["llama without a blank", tokenizerOf(llama2(false), llamaConfig)],
  ["bytes", bytesOnly],
];

/** The tokenizer.json in the form of Llama 2 of the list, and its tokens that merges make, the best first. */
export const llamaJson = llama2(true);
export const madeTokens: readonly string[] = made;
export const byteLevelJson = byteLevel({});
