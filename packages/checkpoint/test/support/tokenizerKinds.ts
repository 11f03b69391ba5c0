import { tinyTokenizer } from "./tokenizers.ts";

const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
const words = [
  ...[
    "<s>",
    "<|im_end|>",
    "<tool>",
    "<unk>",
    "▁",
    "▁a",
    "▁▁",
    "a",
    "b",
    "ab",
    "ba",
    "##a",
    "##b",
    ".",
    ",",
    "!",
    "'s",
  ],
  ...["n't", "a</w>", "</w>", "b</w>", "|", "<pad>", " ", "  ", "é", "漢", "😀", "\uFFFD", "1", "23", "x y"],
];
const tokens = [...words, ...bytes];
const added = (content: string, special: boolean) => ({ id: tokens.indexOf(content), content, special });

/** A tokenizer.json of words and bytes with the given decoder. */
const withDecoder = (decoder: unknown) => ({
  added_tokens: [added("<s>", true), added("<|im_end|>", true), added("<tool>", false)],
  normalizer: null,
  pre_tokenizer: { type: "WhitespaceSplit" },
  post_processor: null,
  decoder,
  model: {
    type: "WordLevel",
    unk_token: "<unk>",
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
  },
});
const sequence = (...decoders: readonly object[]) => withDecoder({ type: "Sequence", decoders });
const replace = (from: string, content: string) => ({ type: "Replace", pattern: { String: from }, content });
const fuse = { type: "Fuse" };

/** A tokenizer.json for each kind of decoder, and whether `@huggingface/tokenizers` decodes the same text. */
export const tokenizerKinds: readonly (readonly [name: string, json: object, isReference: boolean])[] = [
  ["byte-level BPE", tinyTokenizer["tokenizer.json"], true],
  [
    "Llama",
    sequence(replace("▁", " "), { type: "ByteFallback" }, fuse, {
      type: "Strip",
      content: " ",
      start: 1,
      stop: 0,
    }),
    true,
  ],
  ["Metaspace", withDecoder({ type: "Metaspace", replacement: "▁", prepend_scheme: "always" }), true],
  ["WordPiece", withDecoder({ type: "WordPiece", prefix: "##", cleanup: true }), true],
  ["BPEDecoder", withDecoder({ type: "BPEDecoder", suffix: "</w>" }), true],
  // The library removes blanks at the ends of the whole text, the Rust library does not.
  ["CTC", withDecoder({ type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: true }), false],
  ["no decoder", withDecoder(null), true],
  [
    "separate texts",
    sequence({ type: "ByteFallback" }, { type: "Strip", content: "a", start: 2, stop: 1 }),
    true,
  ],
  [
    "joined: Strip and Replace",
    sequence(fuse, { type: "Strip", content: "a", start: 2, stop: 3 }, replace("aba", "x")),
    true,
  ],
  ["joined: Metaspace", sequence(fuse, { type: "Metaspace", replacement: "▁" }), true],
  ["joined: others", sequence(fuse, { type: "WordPiece", prefix: "##", cleanup: true }), true],
  ["a regular expression", withDecoder({ type: "Replace", pattern: { Regex: "[ab]+" }, content: "-" }), true],
];
