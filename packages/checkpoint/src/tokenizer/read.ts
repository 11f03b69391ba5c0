import { byteTokenizer, type LMConfig } from "@mamba/core";
import { CheckpointError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import { configCap, parseJsonObject } from "../json/parse.ts";
import { type CheckpointFiles, readOptional } from "../sources/source.ts";
import { type CheckpointTokenizer, parseTokenizer } from "./parse.ts";
import { templateFile, templateFolder, templateNameOf } from "./tokenizerConfig.ts";
import { parseVocabFiles, remedy } from "./vocabFiles.ts";

/** Largest tokenizer.json, vocab.json or merges.txt in bytes; that of Gemma 3 has 33 MB. */
const tokenizerCap = 64 * 2 ** 20;
/** Largest tokenizer_config.json in bytes: it lists all added tokens again. */
const tokenizerConfigCap = 16 * 2 ** 20;
/** Rows of the models that were trained with the tokenizer of GPT-NeoX. */
const neoxSizes = [50277, 50280, 50288];

/** The settings of generation beside a tokenizer: kept with its files, as they name the ids that end a text. */
export const generationFile = "generation_config.json";

/** The tokenizer of a checkpoint, or the reason why there is none. */
export interface FoundTokenizer {
  /** Undefined when the checkpoint has none: the model then takes and gives ids. */
  readonly tokenizer: CheckpointTokenizer | undefined;
  /** The reason why there is none, with the file to get. */
  readonly noTokenizer: string | undefined;
  /** Ids that end a text: those of generation_config.json, else of config.json, else the end token of the tokenizer. */
  readonly stopIds: readonly number[];
}

/**
 * The tokenizer of a checkpoint: tokenizer.json; else vocab.json with merges.txt; else the bytes of the text, when config.json says
 * that the model was trained on bytes.
 *
 * @throws CheckpointError `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `CONFIG`, `TOO_LARGE`
 */
export async function readTokenizer(
  files: CheckpointFiles,
  { config, eosIds, readsBytes }: { config: LMConfig; eosIds: readonly number[]; readsBytes: boolean },
): Promise<FoundTokenizer> {
  const generation = await readOptional(files, generationFile, configCap);
  const named = generation && new Fields(parseJsonObject(generation, generationFile), generationFile);
  const ids = named?.ids("eos_token_id") ?? eosIds;
  const tokenizer =
    (await findTokenizer(files, ids, generation && new Map([[generationFile, generation]]))) ??
    (readsBytes ? bytesTokenizer(config, ids) : undefined);
  if (tokenizer) return { tokenizer, noTokenizer: undefined, stopIds: tokenizer.stopIds };
  return { tokenizer, noTokenizer: await reasonFor(files, config), stopIds: ids };
}

/** The tokenizer of a model whose ids are the bytes of the text. */
export function bytesTokenizer(
  { vocabSize }: Pick<LMConfig, "vocabSize">,
  stopIds: readonly number[],
): CheckpointTokenizer {
  const bytes = byteTokenizer(vocabSize, stopIds);
  return { ...bytes, files: new Map(), vocabSize: 256, namedTokens: {}, chatTemplates: new Map() };
}

/**
 * The tokenizer of some files: tokenizer.json; else vocab.json with merges.txt; undefined without either.
 *
 * @param beside files that are kept with those of the tokenizer
 * @throws CheckpointError `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE`
 */
export async function findTokenizer(
  files: CheckpointFiles,
  stopIds: readonly number[] = [],
  beside: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<CheckpointTokenizer | undefined> {
  const found = new Map(beside);
  const find = async (name: string, cap: number): Promise<Uint8Array | undefined> => {
    const bytes = await readOptional(files, name, cap);
    if (bytes) found.set(name, bytes);
    return bytes;
  };
  if (await find("tokenizer.json", tokenizerCap)) {
    const config = await find("tokenizer_config.json", tokenizerConfigCap);
    if (!config || !parseJsonObject(config, "tokenizer_config.json")["chat_template"]) {
      await find(templateFile, configCap);
    }
    for (const name of await namedTemplateFiles(files)) await find(name, configCap);
    return parseTokenizer(found, stopIds);
  }
  if (!(await find("vocab.json", tokenizerCap)) || !(await find("merges.txt", tokenizerCap)))
    return undefined;
  await find("tokenizer_config.json", tokenizerConfigCap);
  await find("added_tokens.json", configCap);
  return parseVocabFiles(found, stopIds);
}

/** Most files in the folder of named chat templates. */
const maxTemplates = 64;

/** The files of the chat templates that have a name, where the source can list them. Those of a hub or a URL are not looked for. */
async function namedTemplateFiles(files: CheckpointFiles): Promise<string[]> {
  const listed = (await files.listFolder?.(templateFolder)) ?? [];
  const names = listed
    .map((name) => `${templateFolder}/${name}`)
    .filter((name) => templateNameOf(name) !== undefined)
    .sort();
  if (names.length <= maxTemplates) return names;
  throw new CheckpointError("TOO_LARGE", `${templateFolder}: more than ${maxTemplates} chat templates`);
}

async function reasonFor(files: CheckpointFiles, { vocabSize }: LMConfig): Promise<string> {
  const model = await files.open("tokenizer.model");
  await model?.close();
  const known = neoxSizes.includes(vocabSize)
    ? "; models of 50280 ids use that of EleutherAI/gpt-neox-20b"
    : "";
  const lack = model
    ? "the checkpoint has a SentencePiece model, tokenizer.model, which cannot be read"
    : "the checkpoint has no tokenizer.json, nor vocab.json with merges.txt";
  return `${lack}: ${remedy}${known}`;
}
