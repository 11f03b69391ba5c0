import { stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { show } from "@mamba/core/safetensors";
import { byteLength, type FloatDType, isQuantized } from "@mamba/kernel";
import type { ConfigFormat } from "./architectures/index.ts";
import { CheckpointError } from "./errors.ts";
import type { GgufMetadata } from "./formats/gguf/metadata.ts";
import { ggufChunks, ggufSize } from "./formats/gguf/write.ts";
import { ggufArchitectures } from "./gguf/architectures/index.ts";
import { isGgufName } from "./gguf/choose.ts";
import { fileTypeIds, type GgufFileType } from "./gguf/policy.ts";
import { ggufContentOf } from "./gguf/save.ts";
import { openCheckpoint, type Opened } from "./load.ts";
import { StoredParameters } from "./parameters/fromFiles.ts";
import type { LoadOptions } from "./parameters/load.ts";
import type { WrittenTensor } from "./parameters/write.ts";
import { folderContent } from "./save.ts";
import { isMissing } from "./sources/folder.ts";
import type { CheckpointFiles } from "./sources/source.ts";
import { type Content, writeFiles } from "./writeFiles.ts";

/** Options of `convertCheckpoint`. */
export interface ConvertOptions extends Pick<LoadOptions, "file" | "verify" | "onProgress" | "signal"> {
  /**
   * The type of most matrices. In a GGUF file each tensor gets the type that `ggufTypeOf` says; in a folder all matrices have it, and it is
   * f32, f16 or bf16. Default: as they are stored; quantised matrices become f32 in a folder.
   */
  readonly type?: GgufFileType | undefined;
  /** Form of config.json in a folder, and names of its tensors. Default: the one that `transformers` reads, where it has the model. */
  readonly format?: ConfigFormat | undefined;
  /** `general.name` of a GGUF file. Default: that of the source when it is one, else "mamba". */
  readonly name?: string | undefined;
  /** Called after each tensor, with its types and the error of the written values. */
  readonly onTensor?: ((tensor: WrittenTensor) => void) | undefined;
}

/** A checkpoint that was written. */
export interface ConvertedCheckpoint {
  /** Origin of the checkpoint, for people: the folder, the model name and revision, or the URL. */
  readonly label: string;
  readonly tensors: readonly WrittenTensor[];
  /** Bytes of a GGUF file, or of the tensors and the other files of a folder. */
  readonly bytes: number;
  /** Notes for the user. Usually empty. */
  readonly notes: readonly string[];
}

/**
 * Converts the files of a checkpoint. Values go from file to file in chunks of 2 MiB of whole rows.
 *
 * @param isForwardOnly true when reading backwards is slow, as over a network: tensors then keep the order of the source
 */
export async function convert(
  files: CheckpointFiles,
  target: string,
  options: ConvertOptions,
  isForwardOnly: boolean,
): Promise<ConvertedCheckpoint> {
  const { type, format, verify = true, signal, onProgress, onTensor } = options;
  const isGguf = isGgufName(target);
  checkType(type, isGguf, target);
  const opened = await openCheckpoint(files, options.file);
  const { config, parameters } = opened;
  const { notes: tokenizerNotes = [], ...found } = await opened.readTokenizer();
  const notes = [...opened.notes, ...tokenizerNotes];

  const chunks = parameters.flatMap((parameter) => parameter.chunks);
  const totalBytes = chunks.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  let doneBytes = 0;
  const onRead = (bytes: number, file: string) => {
    doneBytes += bytes;
    onProgress?.({ phase: "convert", file, doneBytes, totalBytes });
  };
  await using stored = new StoredParameters(files, opened.weights, parameters, {
    verify,
    signal,
    onRead,
  });
  const tensors: WrittenTensor[] = [];
  const rules = {
    valuesOf: stored.valuesOf,
    ...(isForwardOnly && { positionOf: stored.positionOf }),
    onTensor: (tensor: WrittenTensor) => {
      tensors.push(tensor);
      onTensor?.(tensor);
    },
  };
  let contents: Map<string, Content>;
  let bytes: number;
  if (isGguf) {
    const { name = nameOf(opened.metadata), tokenizer, stopIds } = { ...options, ...found };
    const metadata = keptMetadata(opened.metadata);
    const { contextLength } = opened;
    const content = { ...rules, type, tokenizer, stopIds, name, metadata, contextLength };
    const written = ggufContentOf(config, content);
    notes.push(...written.notes);
    bytes = ggufSize(written.content);
    contents = new Map([[target, verified(ggufChunks(written.content), stored)]]);
  } else {
    const dtype = folderType(type, opened, notes);
    const { contextLength } = opened;
    const content = { ...rules, ...found, dtype, format, contextLength };
    ({ contents, bytes } = folderContents(target, opened, content, stored));
  }
  await checkFreeSpace(target, bytes);
  await writeFiles(contents);
  return { label: files.label, tensors, bytes, notes };
}

/** The files of a folder, whose weights are compared with the checksums of the source before they take their places. */
function folderContents(
  folder: string,
  { config }: Opened,
  content: Parameters<typeof folderContent>[2],
  stored: StoredParameters,
): { readonly contents: Map<string, Content>; readonly bytes: number } {
  const contents = new Map<string, Content>();
  let bytes = 0;
  const files = folderContent(folder, config, content);
  for (const [path, file] of files.contents) {
    if (file instanceof Uint8Array) bytes += file.length;
    contents.set(path, "patch" in file ? { ...file, chunks: verified(file.chunks, stored) } : file);
  }
  for (const { dtype, shape } of files.tensors) bytes += byteLength(dtype.toLowerCase() as FloatDType, shape);
  return { contents, bytes };
}

/** The chunks of a file, and then the check of the files that they came from: an error keeps the file from its place. */
async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  stored: StoredParameters,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
  await stored.verify();
}

const floatTypes = ["f32", "f16", "bf16"] as const satisfies readonly FloatDType[];

/** @throws CheckpointError `DTYPE` for a type that is unknown, or that the target cannot have */
function checkType(type: GgufFileType | undefined, isGguf: boolean, target: string): void {
  if (type === undefined) return;
  const allowed: readonly string[] = isGguf ? Object.keys(fileTypeIds) : floatTypes;
  if (allowed.includes(type)) return;
  const isKnown = Object.hasOwn(fileTypeIds, type);
  const problem = isKnown
    ? `${target}: a folder holds safetensors, which have no ${type}; give a target that ends in .gguf, or one of the types`
    : `${target}: the type ${show(type)} is unknown; expected one of`;
  throw new CheckpointError("DTYPE", `${problem} ${allowed.join(", ")}`);
}

/** The type of matrices in a folder. Undefined: as they are stored. */
function folderType(
  type: GgufFileType | undefined,
  { parameters }: Opened,
  notes: string[],
): FloatDType | undefined {
  const given = floatTypes.find((name) => name === type);
  const quantized = parameters.find(({ dtype }) => isQuantized(dtype));
  if (given !== undefined || quantized === undefined) return given;
  notes.push(
    `the matrices are ${quantized.dtype}: they are written as f32, with type f16 in half of the bytes`,
  );
  return "f32";
}

function nameOf(metadata: GgufMetadata | undefined): string | undefined {
  const name = metadata?.get("general.name");
  return name?.type === "string" ? name.value : undefined;
}

/** Keys that say how a file stores a model. They are written anew. */
const written =
  /^(?:tokenizer|mamba_ts|split|quantize)\.|^general\.(?:architecture|type|name|file_type|quantization_version|alignment)$/;

/** The metadata of a GGUF source that hold for each file of the model: author, licence and the like. */
function keptMetadata(metadata: GgufMetadata | undefined): GgufMetadata {
  const architectures = ggufArchitectures.flatMap(({ names }) => names);
  const isWritten = (key: string) =>
    written.test(key) || architectures.some((name) => key.startsWith(`${name}.`));
  return new Map([...(metadata ?? [])].filter(([key]) => !isWritten(key)));
}

/**
 * Compares the bytes of what is written with the free bytes of the disk.
 *
 * @throws CheckpointError `IO`
 */
export async function checkFreeSpace(target: string, bytes: number): Promise<void> {
  let folder = resolve(target);
  while (!(await stat(folder).catch(missing))) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw new CheckpointError("IO", `${target}: needs ${bytes} bytes, the disk of ${folder} has ${free} free`);
}

function missing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
