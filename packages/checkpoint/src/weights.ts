import type { Shape } from "@mamba/kernel";
import { CheckpointError, show } from "./errors.ts";
import { isObject, parseJsonObject } from "./json.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors/reader.ts";
import { headerCap, type TensorInfo } from "./safetensors/header.ts";
import { type CheckpointFiles, readAll } from "./source.ts";

export const weightsFile = "model.safetensors";
export const indexFile = "model.safetensors.index.json";

/** A tensor and the file that holds it. */
export interface LocatedTensor extends TensorInfo {
  readonly file: string;
}

/** All tensors of a checkpoint, over all its files. */
export interface Weights {
  readonly files: readonly string[];
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
  if (!index) throw await noWeights(files);
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

/** The header of one file, or nothing when it is not there. */
export async function readWeightFile(files: CheckpointFiles, name: string): Promise<Weights | undefined> {
  await using file = await openWeights(files, name);
  return file && { files: [name], tensors: locate(file, name) };
}

/** Opens one weight file, or nothing when it is not there. */
export async function openWeights(
  files: CheckpointFiles,
  name: string,
): Promise<SafetensorsFile | undefined> {
  const source = await files.open(name);
  return source && openSafetensors(source);
}

/**
 * The `weight_map` of a sharded index: tensor name to file name. Shards lie beside their index: any other place is
 * refused.
 *
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `INDEX`, `PATH`
 */
export function parseIndex(bytes: Uint8Array, name: string): ReadonlyMap<string, string> {
  const map = parseJsonObject(bytes, name)["weight_map"];
  if (!isObject(map))
    throw new CheckpointError("INDEX", `${name}: weight_map must be an object, got ${show(map)}`);
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== "string") {
      throw new CheckpointError("INDEX", `${name}: ${show(tensor)} must name a file, got ${show(shard)}`);
    }
    if (!isPlainFileName(shard)) {
      const message = `${name}: ${show(tensor)} lies in ${show(shard)}, which is not a plain file name`;
      throw new CheckpointError("PATH", message);
    }
    if (!shard.endsWith(".safetensors")) {
      const code = /\.(bin|pt|pth|pkl)$/.test(shard) ? "PICKLE" : "INDEX";
      throw new CheckpointError(code, `${name}: ${show(shard)} is not a safetensors file`);
    }
    shardOf.set(tensor, shard);
  }
  if (shardOf.size === 0) throw new CheckpointError("INDEX", `${name}: weight_map lists no tensors`);
  return shardOf;
}

/** True for a name that stays in its folder on every system and needs no escaping in a URL. */
export function isPlainFileName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(name);
}

/** `[V, D]` */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

function locate(file: SafetensorsFile, name: string): Map<string, LocatedTensor> {
  return new Map([...file.tensors].map(([tensor, info]) => [tensor, { ...info, file: name }]));
}

/** Says what to do about a folder without safetensors. */
export async function noWeights(
  files: CheckpointFiles,
  wanted = `neither ${weightsFile} nor ${indexFile}`,
  pickles = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"],
): Promise<CheckpointError> {
  for (const name of pickles) {
    const pickle = await files.open(name);
    if (!pickle) continue;
    await pickle.close();
    return pickleError(files.label, name);
  }
  return new CheckpointError("NO_WEIGHTS", `${files.label}: there is ${wanted}`);
}

/** Why pickles are refused, and how to convert one. */
export function pickleError(label: string, name: string): CheckpointError {
  const why = `the weights are only there as ${name}, a PyTorch pickle, and reading a pickle runs the code in it`;
  const how =
    "load it with PyTorch where you trust it and save it with save_pretrained(folder, safe_serialization=True), " +
    "or pick a revision that has model.safetensors";
  return new CheckpointError("PICKLE", `${label}: ${why}; ${how}`);
}
