import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { parseIndex } from "../formats/shardIndex.ts";
import { weightFiles } from "../formats/weightFiles.ts";
import { ggufGroups } from "../gguf/choose.ts";
import type { CachedFile, CachedWeights } from "./hubCacheModel.ts";

const types = ["safetensors", "pickle"] as const;
const adapterFiles = ["adapter_model.safetensors", "adapter_model.bin"];
/** Largest index that is read, in bytes. */
const largestIndex = 64 * 2 ** 20;

/**
 * The weights of a snapshot, with the files that loading them needs and the snapshot lacks.
 *
 * @param dangling files that the snapshot names and the cache does not have
 */
export async function weightsOf(
  folder: string,
  files: readonly CachedFile[],
  dangling: readonly string[],
  report: (path: string, message: string) => void,
): Promise<CachedWeights[]> {
  const sizes = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const bytesOf = (names: readonly string[]) => names.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
  const lacking = (names: readonly string[]) => names.filter((name) => !sizes.has(name));
  const found: CachedWeights[] = [];
  for (const [i, { single, index, ending }] of weightFiles.entries()) {
    const type = types[i] ?? single;
    if (sizes.has(single) || dangling.includes(single)) {
      const missing = lacking(["config.json", single]);
      found.push({ type, gguf: undefined, bytes: bytesOf([single]), missing });
    } else if (sizes.has(index)) {
      const path = join(folder, index);
      try {
        if (bytesOf([index]) > largestIndex) throw new Error(`it is larger than ${largestIndex} bytes`);
        const shards = [...new Set(parseIndex(await readFile(path), index, ending).values())].sort();
        const missing = lacking(["config.json", ...shards]);
        found.push({ type, gguf: undefined, bytes: bytesOf(shards), missing });
      } catch (error) {
        report(path, messageOf(error));
      }
    }
  }
  const adapter = adapterFiles.find((name) => sizes.has(name) || dangling.includes(name));
  if (adapter !== undefined) {
    const missing = lacking(["adapter_config.json", adapter]);
    found.push({ type: "adapter", gguf: undefined, bytes: bytesOf([adapter]), missing });
  }
  const plain = [...sizes.keys(), ...dangling].filter((name) => !name.includes("/"));
  for (const { first, type, shards } of ggufGroups(plain))
    found.push({ type, gguf: first, bytes: bytesOf(shards), missing: lacking(shards) });
  return found;
}
