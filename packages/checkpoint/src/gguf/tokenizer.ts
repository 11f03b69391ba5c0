import { type LMConfig, paddedVocabSize, type Tokenizer } from "@mamba/core";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { type GgufTokenizer, tokenizerFromGguf } from "../tokenizer/gguf/read.ts";
import { tokenizerToGguf } from "../tokenizer/gguf/write.ts";
import type { CheckpointTokenizer } from "../tokenizer/parse.ts";
import { bytesTokenizer, findTokenizer } from "../tokenizer/read.ts";
import { GgufFields } from "./fields.ts";
import { countTokens, ownKeys } from "./architectures/vocabulary.ts";

/**
 * The tokenizer of a GGUF model: that of its metadata, or of a tokenizer.json beside a file that has none.
 *
 * @throws CheckpointError `TOKENIZER`, `CONFIG`, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE`
 */
export async function readGgufTokenizer(
  files: CheckpointFiles,
  metadata: GgufMetadata,
  config: LMConfig,
): Promise<GgufTokenizer> {
  const found = tokenizerFromGguf(metadata);
  if (new GgufFields(metadata, files.label).boolean(ownKeys.byteTokenizer)) {
    return {
      tokenizer: bytesTokenizer(config, found.stopIds),
      noTokenizer: undefined,
      stopIds: found.stopIds,
      notes: [],
    };
  }
  if (found.tokenizer) return found;
  const beside = await findTokenizer(files, found.stopIds);
  if (beside === undefined) return found;
  return { tokenizer: beside, noTokenizer: undefined, stopIds: beside.stopIds, notes: found.notes };
}

/**
 * The metadata of a model's tokenizer, with the size of its vocabulary where the list of tokens does not say it.
 *
 * @throws CheckpointError `TOKENIZER` when GGUF cannot hold the tokenizer
 */
export function ggufTokenizerMetadata(
  config: LMConfig,
  tokenizer: Tokenizer | undefined,
  stopIds: readonly number[],
): { readonly metadata: Map<string, GgufValue>; readonly notes: readonly string[] } {
  const rows = paddedVocabSize(config);
  const metadata = new Map<string, GgufValue>();
  const notes: string[] = [];
  if (tokenizer === undefined) {
    metadata.set("tokenizer.ggml.model", { type: "string", value: "none" });
    const [eos] = stopIds;
    if (eos !== undefined) metadata.set("tokenizer.ggml.eos_token_id", { type: "u32", value: eos });
    notes.push(
      "the file has no tokenizer: llama.cpp loads it, and programs that encode texts with it do not",
    );
  } else {
    const { kind, files } = tokenizer as Partial<CheckpointTokenizer>;
    const isBytes = kind === "bytes";
    if (!isBytes && files === undefined) {
      const message = "the tokenizer did not come from files, so that it cannot be written to GGUF";
      throw new CheckpointError("TOKENIZER", message);
    }
    const whole = isBytes
      ? bytesTokenizer(config, stopIds)
      : { ...(tokenizer as CheckpointTokenizer), stopIds };
    const written = tokenizerToGguf(whole, { rows });
    for (const [key, value] of written.metadata) metadata.set(key, value);
    notes.push(...written.notes);
    if (isBytes) metadata.set(ownKeys.byteTokenizer, { type: "bool", value: true });
  }
  const listed = countTokens(new GgufFields(metadata, "the tokenizer")) ?? rows;
  if (listed !== config.vocabSize) metadata.set(ownKeys.vocabSize, { type: "u32", value: config.vocabSize });
  return { metadata, notes };
}
