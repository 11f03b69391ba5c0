import { type ImagesData, SequenceModel, type SeriesData, VisionMamba } from "@mamba/core";
import { type Kernel, Scope } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { canonicalNames } from "../formats/canonicalNames.ts";
import { type LocatedTensor, readWeights, sizesOf, type Weights } from "../formats/weights.ts";
import { findGguf } from "../gguf/find.ts";
import { configCap } from "../json/parse.ts";
import { type CheckpointSummary, inspect, load, type LoadedCheckpoint } from "../load.ts";
import { type LoadOptions, loadParameters } from "../parameters/load.ts";
import { type MatchedParameter, matchParameters } from "../parameters/match.ts";
import { type CheckpointFiles, readAll } from "../sources/source.ts";
import { type ModelConfig, parseModelConfig } from "./modelConfig.ts";
import { sequenceSources, visionSources } from "./sources.ts";

interface Loaded {
  /** Its origin, for people: the folder, the model name and revision, or the URL. */
  readonly label: string;
  /** Notes for the user. Usually empty. */
  readonly notes: readonly string[];
}

/** A loaded model of sequences. It is the caller's to dispose. */
export interface LoadedSequenceModel extends Loaded {
  readonly kind: "sequence";
  readonly model: SequenceModel;
  /** How its inputs are prepared, when the files say so. */
  readonly data: SeriesData | undefined;
}

/** A loaded model of images. It is the caller's to dispose. */
export interface LoadedVisionModel extends Loaded {
  readonly kind: "vision";
  readonly model: VisionMamba;
  /** How its inputs are prepared, when the files say so. */
  readonly data: ImagesData | undefined;
}

/** A language model, as `loadCheckpoint` loads it. */
export interface LoadedLanguageModel extends LoadedCheckpoint {
  readonly kind: "language";
  readonly data: undefined;
}

/** A model of any kind, which `kind` tells apart. */
export type LoadedModel = LoadedSequenceModel | LoadedVisionModel | LoadedLanguageModel;

/** The contents of the files of a model, found without reading a weight. */
export type ModelSummary =
  (ModelConfig & WeightsSummary) | ({ readonly kind: "language" } & CheckpointSummary);

interface WeightsSummary extends Loaded {
  readonly files: readonly string[];
  /** In the order of the files' bytes. */
  readonly tensors: readonly LocatedTensor[];
  /** Tied tensors of a pickle, which are the same bytes of a file, count once. */
  readonly parameterCount: number;
  readonly weightBytes: number;
}

interface Opened {
  readonly description: ModelConfig;
  readonly weights: Weights;
  readonly parameters: readonly MatchedParameter[];
  readonly notes: readonly string[];
}

/** Reads config and headers and checks them against each other; undefined for a language model, as all GGUF files are. */
async function open(files: CheckpointFiles, file: string | undefined): Promise<Opened | undefined> {
  if (await findGguf(files, file)) return undefined;
  const source = await files.open("config.json");
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no config.json`);
  const description = parseModelConfig(await readAll(source, configCap), source.name);
  if (description === undefined) return undefined;
  const { kind, config } = description;
  const { weights, notes } = canonicalNames(await readWeights(files), kind === "vision" ? "" : "backbone.");
  const sources = kind === "vision" ? visionSources(config) : sequenceSources(config);
  const matched = matchParameters(sources, weights, files.label);
  return { description, weights, parameters: matched.parameters, notes: [...notes, ...matched.notes] };
}

/** Loads a model of any kind. Weights are read after config and headers were checked. */
export async function loadAny(
  kernel: Kernel,
  files: CheckpointFiles,
  options: LoadOptions,
): Promise<LoadedModel> {
  const opened = await open(files, options.file);
  if (opened === undefined) {
    return { kind: "language", ...(await load(kernel, files, options)), data: undefined };
  }
  const { description, weights, parameters, notes } = opened;
  using scope = new Scope();
  const tensors = await loadParameters(kernel, files, weights, parameters, options, scope);
  const { label } = files;
  const { kind, config, data } = description;
  const loaded: LoadedModel =
    kind === "vision"
      ? { kind, model: new VisionMamba(kernel, config, tensors), data, label, notes }
      : { kind, model: new SequenceModel(kernel, config, tensors), data, label, notes };
  for (const tensor of tensors.values()) scope.release(tensor);
  return loaded;
}

/** Checks the files of a model of any kind without reading its weights. */
export async function inspectAny(
  files: CheckpointFiles,
  options: Pick<LoadOptions, "file"> = {},
): Promise<ModelSummary> {
  const opened = await open(files, options.file);
  if (opened === undefined) return { kind: "language", ...(await inspect(files, options)) };
  const { description, weights, notes } = opened;
  const tensors = [...weights.tensors.values()];
  return {
    ...description,
    label: files.label,
    files: weights.files,
    tensors,
    ...sizesOf(tensors),
    notes,
  };
}
