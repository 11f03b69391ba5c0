import { MambaLM, type MambaLMConfig, type Tokenizer } from "@mamba/core";
import {
  elementCount,
  type FloatDType,
  fromFloat32,
  type HostArray,
  type Kernel,
  Scope,
  type Tensor,
  toFloat32,
} from "@mamba/kernel";
import { configCap, type ConfigFormat, parseConfig, type ParsedConfig } from "./config.ts";
import { CheckpointError } from "./errors.ts";
import { type MatchedParameter, matchParameters } from "./match.ts";
import type { SafetensorsFile } from "./safetensors/reader.ts";
import { type CheckpointFiles, readAll } from "./source.ts";
import { readTokenizer, type TokenizerKind } from "./tokenizer.ts";
import { type LocatedTensor, openWeights, readWeights, type Weights } from "./weights.ts";

/** How far a download or a load is. Bytes count over all files of the phase. */
export interface Progress {
  readonly phase: "download" | "load";
  /** The file at hand. */
  readonly file: string;
  readonly doneBytes: number;
  /** Undefined while a server does not say how long a file is. */
  readonly totalBytes: number | undefined;
}

/** What every `loadCheckpoint` takes. */
export interface LoadOptions {
  /** Store the large matrices as this type. Default: as the file has them. All other tensors become f32. */
  readonly dtype?: FloatDType | undefined;
  /** Called after every piece of at most 4 MiB. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the work between two pieces: the promise rejects with the signal's reason, and nothing stays allocated. */
  readonly signal?: AbortSignal | undefined;
}

/** A loaded checkpoint. The model is the caller's to dispose. */
export interface LoadedCheckpoint {
  readonly model: MambaLM;
  readonly tokenizer: Tokenizer;
  /** "bytes" where the checkpoint has no tokenizer.json: ids 0 to 255 are then the bytes of the text. */
  readonly tokenizerKind: TokenizerKind;
  readonly config: MambaLMConfig;
  readonly format: ConfigFormat;
  /** Where it came from, for people: the folder, the model name and revision, or the URL. */
  readonly label: string;
  /** What a user should know, such as a missing tokenizer; empty when there is nothing to say. */
  readonly notes: readonly string[];
}

/** What `inspectCheckpoint` finds without reading a weight. */
export interface CheckpointSummary {
  readonly label: string;
  readonly format: ConfigFormat;
  readonly config: MambaLMConfig;
  readonly tokenizerKind: TokenizerKind;
  readonly files: readonly string[];
  /** In the order of the files' bytes. */
  readonly tensors: readonly LocatedTensor[];
  readonly parameterCount: number;
  readonly weightBytes: number;
  readonly notes: readonly string[];
}

const pieceBytes = 4 * 2 ** 20;

interface Opened extends ParsedConfig {
  readonly weights: Weights;
  readonly parameters: readonly MatchedParameter[];
  readonly notes: string[];
}

/** Config and headers, checked against each other. Nothing of the model's size is allocated. */
async function open(files: CheckpointFiles): Promise<Opened> {
  const source = await files.open("config.json");
  if (!source) throw new CheckpointError("NOT_FOUND", `${files.label}: there is no config.json`);
  const bytes = await readAll(source, configCap);
  parseConfig(bytes, undefined, source.name); // an unsupported model says so before its weights are looked at
  const weights = await readWeights(files);
  const parsed = parseConfig(bytes, weights.tensors, source.name);
  return { ...parsed, weights, ...matchParameters(parsed.config, weights, files.label) };
}

/** @throws CheckpointError as `loadCheckpoint` does, without touching the weights */
export async function inspect(files: CheckpointFiles): Promise<CheckpointSummary> {
  const { format, config, weights, notes, eosIds } = await open(files);
  const { kind, notes: tokenizerNotes } = await readTokenizer(files, config, eosIds);
  const tensors = [...weights.tensors.values()];
  return {
    label: files.label,
    format,
    config,
    tokenizerKind: kind,
    files: weights.files,
    tensors,
    parameterCount: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    weightBytes: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    notes: [...notes, ...tokenizerNotes],
  };
}

/**
 * Loads a model: config, headers and tokenizer first, and only when all of them agree the weights, in pieces of 4 MiB
 * through one buffer.
 */
export async function load(
  kernel: Kernel,
  files: CheckpointFiles,
  options: LoadOptions,
): Promise<LoadedCheckpoint> {
  const { format, config, eosIds, weights, parameters, notes } = await open(files);
  const { tokenizer, kind, notes: tokenizerNotes } = await readTokenizer(files, config, eosIds);
  using scope = new Scope();
  const tensors = await loadTensors(kernel, files, weights, parameters, options, scope);
  const model = new MambaLM(kernel, config, tensors);
  for (const tensor of tensors.values()) scope.release(tensor);
  return {
    model,
    tokenizer,
    tokenizerKind: kind,
    config,
    format,
    label: files.label,
    notes: [...notes, ...tokenizerNotes],
  };
}

/** Brings the matched tensors to the kernel, into `scope`. Nothing is read that the header does not place. */
export async function loadTensors(
  kernel: Kernel,
  files: CheckpointFiles,
  weights: Weights,
  parameters: readonly MatchedParameter[],
  { dtype, onProgress, signal }: LoadOptions,
  scope: Scope,
): Promise<ReadonlyMap<string, Tensor>> {
  const targets = new Map(parameters.map((parameter) => [parameter, targetDType(kernel, parameter, dtype)]));
  const totalBytes = parameters.reduce((sum, { tensor }) => sum + tensor.byteLength, 0);
  const buffer = new Uint8Array(Math.min(pieceBytes, Math.ceil(totalBytes / 8) * 8));
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name);
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} vanished while it was being read`);
    const here = parameters.filter(({ tensor }) => tensor.file === name);
    here.sort((a, b) => a.tensor.byteOffset - b.tensor.byteOffset);
    for (const parameter of here) {
      const { spec, tensor, dtype: stored } = parameter;
      checkUnchanged(file, tensor);
      const target = targets.get(parameter) ?? stored;
      const device = scope.use(kernel.zeros(spec.shape, target));
      let start = 0;
      for await (const piece of file.pieces(tensor.name, buffer)) {
        signal?.throwIfAborted();
        const values = convert(piece, stored, target);
        kernel.write(device, start, values);
        start += values.length;
        doneBytes += piece.length;
        onProgress?.({ phase: "load", file: name, doneBytes, totalBytes });
      }
      loaded.set(spec.name, device);
    }
  }
  return loaded;
}

/** The storage of a parameter on the kernel: the wish or the file's for matrices, f32 for everything else. */
function targetDType(
  kernel: Kernel,
  { spec, dtype }: MatchedParameter,
  wish: FloatDType | undefined,
): FloatDType {
  if (spec.storage === "f32") return "f32";
  const target = wish ?? dtype;
  const ops = spec.name.includes("embeddings") ? (["embedding", "linear"] as const) : (["linear"] as const);
  const isSupported = ops.every((op) => kernel.supports(op, target));
  if (isSupported && kernel.capabilities.storage.has(target)) return target;
  const message = `the ${kernel.name} kernel cannot store ${spec.name} as ${target}; pass dtype "f32" to widen it`;
  throw new CheckpointError("DTYPE", message);
}

/** The header was checked when the file was opened first; a file that changed since then is not that file. */
function checkUnchanged(file: SafetensorsFile, { name, byteOffset, byteLength }: LocatedTensor): void {
  const now = file.tensors.get(name);
  if (now?.byteOffset === byteOffset && now.byteLength === byteLength) return;
  throw new CheckpointError("IO", `${file.name}: the file changed while it was being read`);
}

/** A piece of a file as the kernel takes it: a view where no conversion is needed. Little-endian, as all engines are. */
function convert(piece: Uint8Array, from: FloatDType, to: FloatDType): HostArray {
  const { buffer, byteOffset, byteLength } = piece;
  const stored: HostArray =
    from === "f32"
      ? new Float32Array(buffer, byteOffset, byteLength / 4)
      : new Uint16Array(buffer, byteOffset, byteLength / 2);
  return from === to ? stored : fromFloat32(toFloat32(stored, from), to);
}
