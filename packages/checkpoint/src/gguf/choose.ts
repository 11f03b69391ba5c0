import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

/** The name of one shard of a model: `model-Q8_0-00001-of-00003.gguf`. */
const shardPattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

export function isGgufName(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/** The name of the first shard of the model that a file belongs to; the name itself for a file of its own. */
function firstShard(name: string): string {
  return name.replace(
    shardPattern,
    (_, stem: string, __, total: string) => `${stem}-00001-of-${total}${name.slice(-5)}`,
  );
}

/**
 * The names of all shards of the model that a file belongs to, in order; the name itself for a file of its own.
 *
 * @throws CheckpointError `INDEX` when the name says that there are none, or too many
 */
export function shardsOf(name: string): readonly string[] {
  const [, stem, , total = ""] = shardPattern.exec(name) ?? [];
  if (stem === undefined) return [name];
  const extension = name.slice(-5);
  const count = Number(total);
  if (count === 0 || count > mostShards)
    throw new CheckpointError("INDEX", `${show(name)}: a model has 1 to ${mostShards} shards, got ${count}`);
  return Array.from(
    { length: count },
    (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${total}${extension}`,
  );
}

const mostShards = 1000;

/**
 * Chooses the GGUF file of a place, or the shards of a model.
 *
 * @param names all files of the place
 * @param wanted a file's name, or the type in its name, such as "Q4_K_M"; undefined when the place should have one model
 * @returns the names of the shards, in order; undefined when the place has no GGUF file and none was wanted
 * @throws CheckpointError `NOT_FOUND` when none has the wanted name or type, `AMBIGUOUS` when several have, `INDEX` when shards are
 * missing
 */
export function chooseGguf(
  names: readonly string[],
  wanted: string | undefined,
  label: string,
): readonly string[] | undefined {
  const found = names.filter(isGgufName);
  if (found.length === 0 && wanted === undefined) return undefined;
  const models = [...new Set(found.map(firstShard))];
  const chosen = wanted === undefined ? models : matchGguf(models, wanted);
  const [model, ...more] = chosen;
  const list = listed(models);
  if (model === undefined) {
    const problem = `${label}: no GGUF file has the name or the type ${show(wanted)}`;
    throw new CheckpointError(
      "NOT_FOUND",
      `${problem}; ${models.length === 0 ? "there is none" : `there are ${list}`}`,
    );
  }
  if (more.length > 0) {
    const problem = `${label}: there are ${chosen.length} GGUF models${wanted === undefined ? "" : ` for ${show(wanted)}`}`;
    const candidates = listed(chosen);
    const remedy = `name one by its file or type: \`:Q4_K_M\` after the name, or the option file`;
    throw new CheckpointError("AMBIGUOUS", `${problem}: ${candidates}; ${remedy}`);
  }
  const shards = shardsOf(model);
  const missing = shards.find((name) => !names.includes(name));
  if (missing !== undefined) throw new CheckpointError("INDEX", `${label}: the shard ${missing} is missing`);
  return shards;
}

/** A GGUF model among the files of a place. */
export interface GgufGroup {
  /** Name of the file, or of the first shard. */
  readonly first: string;
  /** The type in its name, such as "Q4_K_M"; "gguf" when the name has none. */
  readonly type: string;
  /** The names of its shards, also of those that are not there. */
  readonly shards: readonly string[];
}

/** The GGUF models among the names of files. */
export function ggufGroups(names: readonly string[]): GgufGroup[] {
  const firsts = new Set(names.filter(isGgufName).map(firstShard));
  return [...firsts].sort().map((first) => {
    const stem = first.replace(shardPattern, "$1").replace(/\.gguf$/i, "");
    const [, type = "gguf"] = typePattern.exec(stem) ?? [];
    const [, , , total = "1"] = shardPattern.exec(first) ?? [];
    const count = Number(total);
    const shards =
      count >= 1 && count <= mostShards
        ? shardsOf(first)
        : names.filter((name) => firstShard(name) === first);
    return { first, type, shards };
  });
}

/** A type at the end of a name without extension and shard: `Q4_K_M`, `IQ2_XXS`, `UD-Q4_K_XL`, `BF16`. */
const typePattern = /(?:^|[-._])((?:UD-)?(?:I?Q|TQ)\d\w*|B?F16|FP?(?:16|32)|MXFP4\w*)$/i;

/**
 * The GGUF models that a file's name or a type stands for.
 *
 * @param models names of files, or of first shards
 */
export function matchGguf(models: readonly string[], wanted: string): readonly string[] {
  const exact = isGgufName(wanted) ? firstShard(wanted) : undefined;
  return exact !== undefined && models.includes(exact)
    ? [exact]
    : models.filter((first) => hasType(first, wanted));
}

/** True when a file's name has this type as a word of its own: `mamba-130m.Q4_K_M.gguf`, not `Q4_K` in `Q4_K_M`. */
function hasType(name: string, type: string): boolean {
  const words = name.replace(shardPattern, "$1").replace(/\.gguf$/i, "");
  const escaped = type.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?:^|[-._])${escaped}(?=[-.]|$)`, "i").test(words);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => show(name));
  return names.length > shown.length
    ? `${shown.join(", ")} and ${names.length - shown.length} more`
    : shown.join(", ");
}
