import { type MambaLMConfig } from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import type { GgufFields } from "../fields.ts";

/** Keys of this package, for what GGUF has no key. Other programs ignore them. */
export const ownKeys = {
  /** Ids of the vocabulary, when the table has more rows and no list of tokens says so. */
  vocabSize: "mamba_ts.vocab_size",
  /** Epsilon of the norms on delta, B and C, when it is not that of the other norms. */
  innerNormEps: "mamba_ts.inner_norm_eps",
  /** The ids are the bytes of the text. */
  byteTokenizer: "mamba_ts.byte_tokenizer",
} as const;

/**
 * Number of tokens in the metadata, without the tokens `[PAD50277]`, … that converters add to fill the list up to the rows of the table;
 * undefined when there are no others.
 */
export function countTokens(fields: GgufFields): number | undefined {
  const tokens = fields.strings("tokenizer.ggml.tokens") ?? [];
  let count = tokens.length;
  while (count > 0 && tokens[count - 1] === `[PAD${count - 1}]`) count--;
  return count === 0 ? undefined : count;
}

/**
 * Size and padding of the vocabulary: the rows of the table, without the tokens `[PAD50277]`, … that converters add to fill it up, so
 * that those ids are never chosen. And whether there is a head beside the table.
 *
 * @param fields those of the architecture
 * @throws CheckpointError `MISSING_TENSOR`, `CONFIG`
 */
export function vocabularyOf(
  fields: GgufFields,
  tensors: TensorShapes,
): Pick<MambaLMConfig, "vocabSize" | "padVocabSizeMultiple" | "tieEmbeddings"> {
  const { all } = fields;
  const table = tensors.get("token_embd.weight");
  if (!table) throw fields.missingTensor("token_embd.weight");
  const [rows = 0] = table.shape;
  const has = `token_embd.weight has ${rows} rows`;
  const stated = fields.count("vocab_size") ?? rows;
  if (stated !== rows) throw fields.wrong("vocab_size", `is ${stated}, ${has}`);
  const tokens = all.strings("tokenizer.ggml.tokens");
  if (tokens !== undefined && tokens.length > rows)
    throw all.wrong("tokenizer.ggml.tokens", `has ${tokens.length} tokens, ${has}`);
  const vocabSize = all.count(ownKeys.vocabSize) ?? countTokens(all) ?? rows;
  if (vocabSize < 1 || vocabSize > rows) throw all.wrong(ownKeys.vocabSize, `is ${vocabSize}, ${has}`);
  const multiples = [1, 8, 16, 32, 64, 128, 256];
  const multiple = multiples.find((step) => Math.ceil(vocabSize / step) * step === rows);
  return { vocabSize, padVocabSizeMultiple: multiple ?? rows, tieEmbeddings: !tensors.has("output.weight") };
}
