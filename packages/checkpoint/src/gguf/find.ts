import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { weightFiles } from "../formats/weightFiles.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { chooseGguf, isGgufName, shardsOf } from "./choose.ts";

/**
 * The GGUF file of a place, or the shards of a model.
 *
 * @param wanted a file's name, or the type in its name; without it, a place with weights of another format has no GGUF file
 * @returns the names of the shards in order; undefined when the place is no GGUF model
 * @throws CheckpointError `NOT_FOUND`, `AMBIGUOUS`, `INDEX`
 */
export async function findGguf(
  files: CheckpointFiles,
  wanted: string | undefined,
): Promise<readonly string[] | undefined> {
  const names = await files.list?.();
  if (names !== undefined) {
    const others = weightFiles.flatMap(({ single, index }) => [single, index]);
    if (wanted === undefined && others.some((name) => names.includes(name))) return undefined;
    return chooseGguf(names, wanted, files.label);
  }
  if (wanted === undefined) return undefined;
  if (isGgufName(wanted)) return shardsOf(wanted);
  const problem = `${files.label}: its files cannot be listed, to find one of type ${show(wanted)}`;
  throw new CheckpointError("NOT_FOUND", `${problem}; give the whole name of the file`);
}
