import type { JsonObject } from "@mamba/core/safetensors";

/** A way to split texts into words before byte-pair encoding, with the names that llama.cpp gives to it. */
export interface SplitKind {
  /** Values of `tokenizer.ggml.pre`; files are written with the first. */
  readonly names: readonly [string, ...string[]];
  /** Components of a tokenizer.json. */
  readonly stages: readonly JsonObject[];
  /** The tokenizers of these names normalize texts to NFC. llama.cpp does not, so that it splits decomposed letters apart. */
  readonly nfc?: true;
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignoresMerges?: true;
  /** Texts begin with the token BOS when the metadata does not say whether they do. */
  readonly addsBos?: true;
}

/** Turns the bytes of texts into characters after other stages have split them. */
const bytesOnly: JsonObject = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
/** The pattern of GPT-2, and bytes as characters. */
const gpt2: JsonObject = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
const digits: JsonObject = { type: "Digits", individual_digits: true };

function isolated(Regex: string): JsonObject {
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
}

/** The pattern of Llama 3 and of Qwen 2, which differ in the digits of a number. */
function llama3(number: string): JsonObject {
  const contractions = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+`;
  const rest = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
  return isolated(`${contractions}|${number}|${rest}`);
}

/**
 * The kinds that are known, by llama.cpp's table of patterns and the tokenizer.json files of the models that it is named after. A tokenizer
 * is written as the first that equals it.
 */
export const splitKinds: readonly SplitKind[] = [
  { names: ["gpt-2", "phi-2", "jais", "granite-docling", "exaone4", "mellum", "gigachat"], stages: [gpt2] },
  { names: ["olmo", "mpt"], stages: [gpt2], nfc: true }, // GPT-NeoX
  { names: ["starcoder", "refact", "smollm", "codeshell"], stages: [digits, gpt2] },
  { names: ["command-r"], stages: [digits, gpt2], nfc: true },
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"],
    stages: [llama3(String.raw`\p{N}{1,3}`), bytesOnly],
    ignoresMerges: true,
    addsBos: true,
  },
  { names: ["dbrx", "smaug-bpe"], stages: [llama3(String.raw`\p{N}{1,3}`), bytesOnly] },
  { names: ["qwen2", "stablelm2"], stages: [llama3(String.raw`\p{N}`), bytesOnly], nfc: true },
  { names: ["hunyuan"], stages: [llama3(String.raw`\p{N}`), bytesOnly] },
  {
    names: ["falcon"], // Falcon and FalconMamba
    stages: [
      { type: "Punctuation", behavior: "Contiguous" },
      gpt2,
      { type: "Digits", individual_digits: false },
      isolated("[0-9][0-9][0-9]"),
    ],
  },
];

/** The kind of files that name none: those of the first Mamba models, whose tokenizer is that of GPT-NeoX. */
export const defaultName = "olmo";

/** The kind that `tokenizer.ggml.pre` names; undefined when it is not known. */
export function splitKindOf(name: string): SplitKind | undefined {
  return splitKinds.find(({ names }) => names.includes(name));
}
