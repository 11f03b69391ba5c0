import { MambaLM, type MambaLMConfig } from "@mamba/core";
import { elementCount, type Kernel, Scope } from "@mamba/kernel";
import { architectureOf, type ConfigFormat, parseConfig, type ParsedConfig } from "./architectures/index.ts";
import { CheckpointError } from "./errors.ts";
import { type LocatedTensor, readWeights, type Weights } from "./formats/safetensors/weights.ts";
import { canonicalNames } from "./formats/safetensors/canonicalNames.ts";
import { configCap } from "./json/parse.ts";
import { type LoadOptions, loadParameters } from "./parameters/load.ts";
import { type MatchedParameter, matchParameters } from "./parameters/match.ts";
import { type CheckpointFiles, readAll } from "./sources/source.ts";
import type { TokenizerKind } from "./tokenizer/parse.ts";
import { type FoundTokenizer, readTokenizer } from "./tokenizer/read.ts";

/** A loaded checkpoint. The model is the caller's to dispose. */
export interface LoadedCheckpoint extends FoundTokenizer {
  readonly model: MambaLM;
  readonly config: MambaLMConfig;
  readonly format: ConfigFormat;
  /** Its origin, for people: the folder, the model name and revision, or the URL. */
  readonly label: string;
  /** Notes for the user. Usually empty. */
  readonly notes: readonly string[];
}

/** Contents of a checkpoint, found without reading a weight. */
export interface CheckpointSummary {
  readonly label: string;
  readonly format: ConfigFormat;
  readonly config: MambaLMConfig;
  readonly tokenizerKind: TokenizerKind | "none";
  /** The reason why there is no tokenizer, with the file to get. */
  readonly noTokenizer: string | undefined;
  readonly files: readonly string[];
  /** In the order of the files' bytes. */
  readonly tensors: readonly LocatedTensor[];
  readonly parameterCount: number;
  readonly weightBytes: number;
  readonly notes: readonly string[];
}

interface Opened extends ParsedConfig {
  readonly weights: Weights;
  readonly parameters: readonly MatchedParameter[];
  readonly notes: string[];
}

/** Reads config and headers and checks them against each other. Memory does not depend on the model's size. */
async function open(files: CheckpointFiles): Promise<Opened> {
  const source = await files.open("config.json");
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no config.json`);
  const bytes = await readAll(source, configCap);
  parseConfig(bytes, undefined, source.name); // reports an unsupported model before its weights are opened
  const { weights, notes } = canonicalNames(await readWeights(files));
  const parsed = parseConfig(bytes, weights.tensors, source.name);
  const architecture = architectureOf(parsed.format);
  const sources = architecture.sources(parsed.config);
  const unused = architecture.unused(parsed.config);
  const matched = matchParameters(sources, weights, files.label, unused);
  return { ...parsed, weights, parameters: matched.parameters, notes: [...notes, ...matched.notes] };
}

/**
 * Checks a checkpoint without reading its weights.
 *
 * @throws CheckpointError with the codes of `loadCheckpoint`
 */
export async function inspect(files: CheckpointFiles): Promise<CheckpointSummary> {
  const opened = await open(files);
  const { format, config, weights, notes } = opened;
  const { tokenizer, noTokenizer } = await readTokenizer(files, opened);
  const tensors = [...weights.tensors.values()];
  return {
    label: files.label,
    format,
    config,
    tokenizerKind: tokenizer?.kind ?? "none",
    noTokenizer,
    files: weights.files,
    tensors,
    parameterCount: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    weightBytes: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    notes,
  };
}

/** Loads a model. Weights are read after config, headers and tokenizer were checked, in chunks of 2 MiB through two buffers. */
export async function load(
  kernel: Kernel,
  files: CheckpointFiles,
  options: LoadOptions,
): Promise<LoadedCheckpoint> {
  const opened = await open(files);
  const { format, config, weights, parameters, notes } = opened;
  const found = await readTokenizer(files, opened);
  using scope = new Scope();
  const tensors = await loadParameters(kernel, files, weights, parameters, options, scope);
  const model = new MambaLM(kernel, config, tensors);
  for (const tensor of tensors.values()) scope.release(tensor);
  return {
    model,
    ...found,
    config,
    format,
    label: files.label,
    notes,
  };
}
