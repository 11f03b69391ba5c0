import {
  headerCap,
  type OpenOptions,
  type SafetensorsFile,
  show,
  type TensorInfo,
} from "@mamba/core/safetensors";
import { isGgufName } from "../gguf/choose.ts";
import { CheckpointError } from "../errors.ts";
import { type CheckpointFiles, readAll } from "../sources/source.ts";
import { findPickle, pickleError } from "./pickle/refusal.ts";
import { openGguf } from "./gguf/open.ts";
import { openSafetensors } from "./safetensors/open.ts";
import { indexFile, parseIndex } from "./safetensors/shardIndex.ts";
import type { StoredDType } from "./storedTypes.ts";

export const weightsFile = "model.safetensors";

/** A tensor of a file of any format. */
export interface StoredTensor extends Omit<TensorInfo, "dtype"> {
  readonly dtype: StoredDType;
}

/** An open file of weights of any format. Its header is checked; its data is read on demand. */
export interface WeightFile
  extends Pick<SafetensorsFile, "name" | "read" | "chunks" | "verify" | "close">, AsyncDisposable {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** A tensor and the file that holds it. */
export interface LocatedTensor extends StoredTensor {
  readonly file: string;
}

/** All tensors of a checkpoint, over all its files. */
export interface Weights {
  readonly files: readonly string[];
  /** By the name under which a parameter is looked up; a tensor's own name is its field `name`. */
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
}

/**
 * Reads and checks the headers of all weight files: `model.safetensors`, or the shards of its index.
 *
 * @throws CheckpointError `NO_WEIGHTS`, `PICKLE`, `INDEX`, `PATH`, and those of `openSafetensors`
 */
export async function readWeights(files: CheckpointFiles): Promise<Weights> {
  const single = await readWeightFile(files, weightsFile);
  if (single) return single;
  const index = await files.open(indexFile);
  if (!index) {
    const pickles = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"];
    throw await noWeights(files, `neither ${weightsFile} nor ${indexFile}`, pickles);
  }
  const shardOf = parseIndex(await readAll(index, headerCap), index.name);
  const shards = [...new Set(shardOf.values())].sort();
  const tensors = new Map<string, LocatedTensor>();
  for (const shard of shards) {
    await using file = await openWeights(files, shard);
    if (!file)
      throw new CheckpointError(
        "INDEX",
        `${files.label}: ${indexFile} names ${show(shard)}, which is missing`,
      );
    for (const [name, tensor] of locate(file, shard)) {
      const expected = shardOf.get(name);
      if (expected !== shard) {
        const where = expected === undefined ? "not listed in the index" : `listed for ${show(expected)}`;
        throw new CheckpointError("INDEX", `${file.name}: the tensor ${show(name)} is here, but ${where}`);
      }
      tensors.set(name, tensor);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!tensors.has(name)) {
      throw new CheckpointError(
        "INDEX",
        `${files.label}: ${show(shard)} lacks ${show(name)}, which the index lists`,
      );
    }
  }
  return { files: shards, tensors };
}

/** Reads the header of one file; undefined when there is no such file. */
export async function readWeightFile(files: CheckpointFiles, name: string): Promise<Weights | undefined> {
  await using file = await openWeights(files, name);
  return file && { files: [name], tensors: locate(file, name) };
}

/** Opens one weight file; undefined when there is no such file. */
export async function openWeights(
  files: CheckpointFiles,
  name: string,
  options?: OpenOptions,
): Promise<WeightFile | undefined> {
  const source = await files.open(name);
  if (source && isGgufName(name)) return openGguf(source);
  return source && openSafetensors(source, options);
}

function locate(file: WeightFile, name: string): Map<string, LocatedTensor> {
  return new Map([...file.tensors].map(([tensor, info]) => [tensor, { ...info, file: name }]));
}

/** The error for a place without safetensors: `PICKLE` when it has one of `pickles`, and otherwise `NO_WEIGHTS`. */
export async function noWeights(
  files: CheckpointFiles,
  found: string,
  pickles: readonly string[],
): Promise<CheckpointError> {
  const pickle = await findPickle(files, pickles);
  if (pickle !== undefined) return pickleError(files.label, pickle);
  return new CheckpointError("NO_WEIGHTS", `${files.label}: there is ${found}`);
}
