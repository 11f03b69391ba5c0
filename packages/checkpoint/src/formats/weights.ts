import {
  headerCap,
  type OpenOptions,
  type SafetensorsFile,
  show,
  type TensorInfo,
} from "@mamba/core/safetensors";
import { elementCount } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { isGgufName } from "../gguf/choose.ts";
import { rewindable } from "../sources/rewindable.ts";
import { type CheckpointFiles, readAll } from "../sources/source.ts";
import { type KnownHeader, openGguf } from "./gguf/open.ts";
import { openPickle } from "./pickle/open.ts";
import { openSafetensors } from "./safetensors/open.ts";
import { parseIndex } from "./shardIndex.ts";
import type { StoredDType } from "./storedTypes.ts";
import { weightFileNames, weightFiles, type WeightFiles } from "./weightFiles.ts";

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
  /** The headers of GGUF files, which take long to read when they hold a large vocabulary: loading does not read them again. */
  readonly headers?: ReadonlyMap<string, KnownHeader>;
}

/**
 * Reads and checks the headers of all weight files: `model.safetensors`, or the shards of its index; without them
 * `pytorch_model.bin`, or the shards of its index.
 *
 * @throws CheckpointError `NO_WEIGHTS`, `INDEX`, `PATH`, and those of `openSafetensors` and `openPickle`
 */
export async function readWeights(files: CheckpointFiles): Promise<Weights> {
  for (const kind of weightFiles) {
    const found = (await readWeightFile(files, kind.single)) ?? (await readShards(files, kind));
    if (found) return found;
  }
  throw noWeights(files.label, weightFileNames);
}

/** The error for a place that has none of the files in `names`. */
export function noWeights(label: string, names: string): CheckpointError {
  return new CheckpointError("NO_WEIGHTS", `${label}: expected one of ${names}, there is none`);
}

/** Reads the headers of the shards of an index; undefined when there is no index. */
async function readShards(
  files: CheckpointFiles,
  { index, ending }: WeightFiles,
): Promise<Weights | undefined> {
  const source = await files.open(index);
  if (!source) return undefined;
  const shardOf = parseIndex(await readAll(source, headerCap), source.name, ending);
  const shards = [...new Set(shardOf.values())].sort();
  const tensors = new Map<string, LocatedTensor>();
  for (const shard of shards) {
    await using file = await openWeights(files, shard);
    if (!file)
      throw new CheckpointError("INDEX", `${files.label}: ${index} names ${show(shard)}, which is missing`);
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

/**
 * Opens one weight file, whose ending tells its format; undefined when there is no such file.
 *
 * @param known the header of a GGUF file that was open before
 */
export async function openWeights(
  files: CheckpointFiles,
  name: string,
  options?: OpenOptions,
  known?: KnownHeader,
): Promise<WeightFile | undefined> {
  if (name.endsWith(".bin")) {
    const source = await rewindable(() => files.open(name));
    return source && openPickle(source);
  }
  const source = await files.open(name);
  if (source && isGgufName(name)) return openGguf(source, known);
  return source && openSafetensors(source, options);
}

function locate(file: WeightFile, name: string): Map<string, LocatedTensor> {
  return new Map([...file.tensors].map(([tensor, info]) => [tensor, { ...info, file: name }]));
}

/** Parameters and bytes of tensors. Tied tensors of a pickle, which are the same bytes of a file, count once. */
export function sizesOf(tensors: Iterable<LocatedTensor>): { parameterCount: number; weightBytes: number } {
  const seen = new Set<string>();
  let [parameterCount, weightBytes] = [0, 0];
  for (const { file, byteOffset, byteLength, shape } of tensors) {
    const bytes = `${byteOffset} ${byteLength} ${file}`;
    if (seen.has(bytes)) continue;
    seen.add(bytes);
    parameterCount += elementCount(shape);
    weightBytes += byteLength;
  }
  return { parameterCount, weightBytes };
}
