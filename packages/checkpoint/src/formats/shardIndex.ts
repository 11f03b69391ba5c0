import { isObject, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { parseJsonObject } from "../json/parse.ts";
import { isPlainFileName } from "../sources/source.ts";

/**
 * Reads the `weight_map` of a sharded index: tensor name to file name. Shards must lie beside their index.
 *
 * @param name of the index, for messages
 * @param ending of the names of shards, such as `.safetensors`: an index of one format cannot name files of another
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`, `INDEX`, `PATH`
 */
export function parseIndex(bytes: Uint8Array, name: string, ending: string): ReadonlyMap<string, string> {
  const map = parseJsonObject(bytes, name)["weight_map"];
  if (!isObject(map))
    throw new CheckpointError("INDEX", `${name}: weight_map must be an object, got ${show(map)}`);
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== "string") {
      throw new CheckpointError("INDEX", `${name}: ${show(tensor)} must name a file, got ${show(shard)}`);
    }
    if (!isPlainFileName(shard)) {
      const message = `${name}: ${show(tensor)} is in ${show(shard)}, which is not a plain file name`;
      throw new CheckpointError("PATH", message);
    }
    if (!shard.endsWith(ending)) {
      throw new CheckpointError("INDEX", `${name}: shards must end in ${ending}, got ${show(shard)}`);
    }
    shardOf.set(tensor, shard);
  }
  if (shardOf.size === 0) throw new CheckpointError("INDEX", `${name}: weight_map lists no tensors`);
  return shardOf;
}
