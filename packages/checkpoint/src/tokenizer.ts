import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import { byteTokenizer, type MambaLMConfig, redecoding, type Tokenizer } from "@mamba/core";
import { isObject, type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "./errors.ts";
import { Fields } from "./json/fields.ts";
import { configCap, parseJsonObject } from "./json/parse.ts";
import { type CheckpointFiles, readOptional } from "./sources/source.ts";

/** Origin of a tokenizer: a `tokenizer.json`, or the fallback that maps bytes to ids 0 to 255. */
export type TokenizerKind = "tokenizer.json" | "bytes";

/** A tokenizer that can be saved beside the weights. */
export interface FileTokenizer extends Tokenizer {
  /** The content of its files by name, as read. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const tokenizerCap = 128 * 2 ** 20;
const maxTokenId = 2 ** 24;
const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json"] as const;

/**
 * The tokenizer of a checkpoint. Its `stopIds` are those of generation_config.json, else those of config.json
 * (`eosIds`), else the end token of tokenizer_config.json.
 *
 * @throws CheckpointError `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `CONFIG`, `TOO_LARGE`
 */
export async function readTokenizer(
  files: CheckpointFiles,
  config: MambaLMConfig,
  eosIds: readonly number[],
): Promise<{ tokenizer: Tokenizer; kind: TokenizerKind; notes: string[] }> {
  const generation = await readOptional(files, "generation_config.json", configCap);
  const named =
    generation && new Fields(parseJsonObject(generation, "generation_config.json"), "generation_config.json");
  const stopIds = named?.ids("eos_token_id") ?? eosIds;
  const found = new Map<string, Uint8Array>();
  for (const name of tokenizerFiles) {
    const bytes = await readOptional(files, name, tokenizerCap);
    if (bytes) found.set(name, bytes);
  }
  if (found.has("tokenizer.json")) {
    return { tokenizer: parseTokenizer(found, stopIds), kind: "tokenizer.json", notes: [] };
  }
  const note =
    "there is no tokenizer.json: text is encoded as its bytes, ids 0 to 255, which suits only a model that was " +
    "trained on bytes";
  return { tokenizer: byteTokenizer(config.vocabSize, stopIds), kind: "bytes", notes: [note] };
}

/**
 * A tokenizer from the contents of `tokenizer.json` and, where there is one, `tokenizer_config.json`.
 *
 * @param stopIds default: the `eos_token` of tokenizer_config.json
 * @throws CheckpointError `TOKENIZER`, `JSON`
 */
export function parseTokenizer(
  files: ReadonlyMap<string, Uint8Array>,
  stopIds: readonly number[] = [],
): FileTokenizer {
  const read = (name: string): JsonObject | undefined => {
    const bytes = files.get(name);
    return bytes && parseJsonObject(bytes, name);
  };
  const json = read("tokenizer.json");
  if (!json) throw new CheckpointError("TOKENIZER", "there is no tokenizer.json");
  const config = read("tokenizer_config.json") ?? {};
  checkIds(json);
  let inner: HubTokenizer;
  try {
    inner = new HubTokenizer(json, config);
  } catch (cause) {
    throw new CheckpointError("TOKENIZER", `tokenizer.json cannot be used: ${messageOf(cause)}`, { cause });
  }
  const eos = config["eos_token"];
  const eosText = isObject(eos) ? eos["content"] : eos;
  const eosId = typeof eosText === "string" ? inner.token_to_id(eosText) : undefined;
  const decode: Tokenizer["decode"] = (ids, { specialTokens = false } = {}) => {
    const known = ids.filter((id) => inner.id_to_token(id) !== undefined); // the embedding table may have more rows
    if (known.length === 0) return "";
    return inner.decode(known, { skip_special_tokens: !specialTokens, clean_up_tokenization_spaces: false });
  };
  const added = [...inner.get_added_tokens_decoder().values()];
  return {
    files,
    stopIds: stopIds.length > 0 || eosId === undefined ? stopIds : [eosId],
    specialTokens: new Map(added.filter(({ special }) => special).map(({ content, id }) => [content, id])),
    encode(text, { continuation = false } = {}) {
      const ids = inner.encode(text, { add_special_tokens: !continuation }).ids as (number | undefined)[];
      return ids.map((id, i) => {
        if (id !== undefined) return id;
        const token = show(inner.tokenize(text)[i]);
        throw new CheckpointError("TOKENIZER", `tokenizer.json has no id for ${token}, and no unknown token`);
      });
    },
    decode,
    decoder: redecoding(decode),
  };
}

/** The tokenizer library allocates tables as long as the largest id, so ids are bounded before. */
function checkIds(json: JsonObject): void {
  const model = json["model"];
  const vocab = isObject(model) ? model["vocab"] : undefined;
  const added = json["added_tokens"];
  const addedIds: unknown[] = Array.isArray(added)
    ? (added as readonly Json[]).map((token) => (isObject(token) ? token["id"] : token))
    : [];
  const bad = addedIds
    .concat(isObject(vocab) ? Object.values(vocab) : [])
    .find((id) => !(Number.isInteger(id) && Number(id) >= 0 && Number(id) < maxTokenId));
  if (bad !== undefined) {
    throw new CheckpointError(
      "TOKENIZER",
      `tokenizer.json: token ids are whole numbers below 2^24, got ${show(bad)}`,
    );
  }
}
