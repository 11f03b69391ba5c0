import { type LMConfig, MambaLM } from "@mamba/core";
import { type Kernel, Scope } from "@mamba/kernel";
import { architectureOf, type ConfigFormat, parseConfig, type ParsedConfig } from "./architectures/index.ts";
import type { Architecture } from "./architectures/architecture.ts";
import { CheckpointError } from "./errors.ts";
import { canonicalNames } from "./formats/canonicalNames.ts";
import type { GgufMetadata } from "./formats/gguf/metadata.ts";
import { type LocatedTensor, readWeights, sizesOf, type Weights } from "./formats/weights.ts";
import { findGguf } from "./gguf/find.ts";
import { configCap } from "./json/parse.ts";
import { type LoadOptions, loadParameters, planParameters } from "./parameters/load.ts";
import { type MatchedParameter, matchParameters } from "./parameters/match.ts";
import { type StoredSizes, storedSizes } from "./parameters/space.ts";
import { type CheckpointFiles, readAll } from "./sources/source.ts";
import type { TokenizerKind } from "./tokenizer/parse.ts";
import { type FoundTokenizer, readTokenizer } from "./tokenizer/read.ts";

/** Form of a checkpoint: that of its config.json, or a GGUF file, which has no config.json. */
export type CheckpointFormat = ConfigFormat | "gguf";

/** A loaded checkpoint. The model is the caller's to dispose. */
export interface LoadedCheckpoint extends FoundTokenizer {
  readonly model: MambaLM;
  readonly config: LMConfig;
  readonly format: CheckpointFormat;
  /** Its origin, for people: the folder, the model name and revision, or the URL. */
  readonly label: string;
  /** Notes for the user. Usually empty. */
  readonly notes: readonly string[];
}

/** Contents of a checkpoint, found without reading a weight. */
export interface CheckpointSummary {
  readonly label: string;
  readonly format: CheckpointFormat;
  readonly config: LMConfig;
  readonly tokenizerKind: TokenizerKind | "none";
  /** The reason why there is no tokenizer, with the file to get. */
  readonly noTokenizer: string | undefined;
  readonly files: readonly string[];
  /** In the order of the files' bytes. */
  readonly tensors: readonly LocatedTensor[];
  /** Tied tensors of a pickle, which are the same bytes of a file, count once. */
  readonly parameterCount: number;
  readonly weightBytes: number;
  /** The memory that the weights take on the option `kernel`. */
  readonly stored?: StoredSizes | undefined;
  /** The metadata of a GGUF file. */
  readonly metadata?: GgufMetadata | undefined;
  readonly notes: readonly string[];
}

/** Options of every `inspectCheckpoint`. */
export interface InspectOptions extends Pick<LoadOptions, "file" | "dtype"> {
  /** Predict the memory of the weights on this kernel, loaded with the option `dtype`. */
  readonly kernel?: Kernel | undefined;
}

/** An opened checkpoint of any form. */
export interface Opened {
  readonly format: CheckpointFormat;
  readonly config: LMConfig;
  readonly weights: Weights;
  readonly parameters: readonly MatchedParameter[];
  readonly metadata?: GgufMetadata | undefined;
  /** Positions that the model was trained for, where the files say it. */
  readonly contextLength: number | undefined;
  readonly notes: readonly string[];
  readTokenizer(): Promise<FoundTokenizer & { readonly notes?: readonly string[] }>;
}

/** Reads config and headers and checks them against each other. Memory does not depend on the model's size. */
export async function openCheckpoint(files: CheckpointFiles, file: string | undefined): Promise<Opened> {
  const gguf = await findGguf(files, file);
  if (gguf === undefined) return openFolder(files);
  const { openGgufModel } = await import("./gguf/model.ts");
  return openGgufModel(files, gguf);
}

/** Opens config.json and the weights beside it. */
async function openFolder(files: CheckpointFiles): Promise<Opened> {
  const source = await files.open("config.json");
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no config.json`);
  const bytes = await readAll(source, configCap);
  // Reports an unsupported model before its weights are opened.
  const architecture = architectureOf(parseConfig(bytes, undefined, source.name).format);
  const { weights, notes } = canonicalNames(await readWeights(files), architecture.prefix);
  const parsed: ParsedConfig = parseConfig(bytes, weights.tensors, source.name);
  const sources = architecture.sources(parsed.config, weights.tensors);
  const unused = new Map([...architecture.unused(parsed.config), ...skippedTensors(architecture, weights)]);
  const matched = matchParameters(sources, weights, files.label, unused);
  return {
    ...parsed,
    weights,
    parameters: matched.parameters,
    notes: [...notes, ...matched.notes],
    readTokenizer: () => readTokenizer(files, parsed),
  };
}

/** Tensors that no model uses, and the reason. */
function* skippedTensors({ skipped }: Architecture, { tensors }: Weights): Iterable<[string, string]> {
  for (const name of skipped ? tensors.keys() : []) {
    if (skipped?.pattern.test(name)) yield [name, skipped.reason];
  }
}

/**
 * Checks a checkpoint without reading its weights.
 *
 * @throws CheckpointError with the codes of `loadCheckpoint`
 */
export async function inspect(
  files: CheckpointFiles,
  { file, kernel, dtype }: InspectOptions = {},
): Promise<CheckpointSummary> {
  const opened = await openCheckpoint(files, file);
  const { format, config, weights, parameters, metadata, notes } = opened;
  const { tokenizer, noTokenizer, notes: more = [] } = await opened.readTokenizer();
  const stored = kernel && storedSizes(kernel, (await planParameters(kernel, parameters, dtype)).needed);
  const tensors = [...weights.tensors.values()];
  return {
    label: files.label,
    format,
    config,
    tokenizerKind: tokenizer?.kind ?? "none",
    noTokenizer,
    files: weights.files,
    tensors,
    ...sizesOf(tensors),
    ...(stored && { stored }),
    ...(metadata && { metadata }),
    notes: [...notes, ...more],
  };
}

/** Loads a model. Weights are read after config, headers and tokenizer were checked, in chunks of 2 MiB through two buffers. */
export async function load(
  kernel: Kernel,
  files: CheckpointFiles,
  options: LoadOptions,
): Promise<LoadedCheckpoint> {
  const opened = await openCheckpoint(files, options.file);
  const { format, config, weights, parameters, notes } = opened;
  const { notes: more = [], ...found } = await opened.readTokenizer();
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
    notes: [...notes, ...more],
  };
}
