import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { type GgufFile, type KnownHeader, openGguf } from "../formats/gguf/open.ts";
import type { GgufMetadata } from "../formats/gguf/metadata.ts";
import type { LocatedTensor, Weights } from "../formats/weights.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { GgufFields } from "./fields.ts";

/** The tensors of a GGUF model over all its shards, and the metadata, which the first shard has. */
export interface GgufWeights {
  readonly weights: Weights;
  readonly metadata: GgufMetadata;
  /** Name of the first file, for messages. */
  readonly name: string;
}

/**
 * Reads and checks the headers of all shards of a model.
 *
 * @param shards names of the files, in order
 * @throws CheckpointError `NOT_FOUND` when there is no such file, `INDEX` when the files are not the shards of one model, and those of `openGguf`
 */
export async function readGgufWeights(
  files: CheckpointFiles,
  shards: readonly string[],
): Promise<GgufWeights> {
  const tensors = new Map<string, LocatedTensor>();
  const headers = new Map<string, KnownHeader>();
  let first: { readonly name: string; readonly metadata: GgufMetadata } | undefined;
  let stated: number | undefined;
  for (const [index, shard] of shards.entries()) {
    const source = await files.open(shard);
    if (!source)
      throw new CheckpointError(
        shards.length === 1 ? "NOT_FOUND" : "INDEX",
        `${files.label}: ${show(shard)} is missing`,
      );
    await using file = await openGguf(source);
    const total = checkShard(file, index, shards.length);
    if (index > 0 && total !== stated)
      throw notOneModel(file.name, `split.tensors.count is ${total}, the first shard has ${stated}`);
    stated = total;
    first ??= { name: file.name, metadata: file.metadata };
    const { version, metadata, alignment, dataStart, end } = file;
    const header = { version, metadata, tensors: file.tensors, alignment, dataStart, end };
    headers.set(shard, { header, size: source.size });
    for (const [name, tensor] of file.tensors) {
      if (tensors.has(name)) throw notOneModel(file.name, `the tensor ${show(name)} is in another shard too`);
      tensors.set(name, { ...tensor, file: shard });
    }
  }
  if (first === undefined) throw new CheckpointError("NO_WEIGHTS", `${files.label}: there is no GGUF file`);
  if (stated !== undefined && stated !== tensors.size)
    throw notOneModel(
      first.name,
      `split.tensors.count is ${stated}, the shards have ${tensors.size} tensors`,
    );
  return { weights: { files: shards, tensors, headers }, ...first };
}

/** Compares the keys of a shard with its place among the files. Returns the number of tensors in all shards. */
function checkShard({ name, metadata }: GgufFile, index: number, count: number): number | undefined {
  const fields = new GgufFields(metadata, name);
  const statedCount = fields.count("split.count") ?? 0;
  const splits = statedCount === 0 ? 1 : statedCount; // llama.cpp takes 0 for a file of its own
  if (splits !== count) {
    const remedy =
      splits > 1 ? "; put all shards in one place, under the names that llama.cpp gave them" : "";
    throw notOneModel(name, `split.count is ${splits}, there are ${count} files${remedy}`);
  }
  if (count === 1) return undefined;
  const number = fields.count("split.no") ?? fields.missing("split.no");
  if (number !== index) throw notOneModel(name, `split.no is ${number}, expected ${index}`);
  return fields.count("split.tensors.count") ?? fields.missing("split.tensors.count");
}

function notOneModel(file: string, problem: string): CheckpointError {
  return new CheckpointError("INDEX", `${file}: ${problem}`);
}
