/** A file of a cached revision. */
export interface CachedFile {
  /** Its path in the repository, with `/` between folders. */
  readonly name: string;
  readonly bytes: number;
  /** The name of the blob that holds its content; undefined where the cache has no links, as on some Windows systems. */
  readonly blob: string | undefined;
}

/** Weights of a cached revision, in one format. */
export interface CachedWeights {
  /** The format, or the type in the name of a GGUF file. */
  readonly type: "safetensors" | "pickle" | "adapter" | (string & {});
  /** Name of the GGUF file, or of its first shard; undefined for other formats, of which a place has one. */
  readonly gguf: string | undefined;
  readonly bytes: number;
  /** Files that loading needs and the cache lacks. */
  readonly missing: readonly string[];
}

/** A revision of a model in the cache. */
export interface CachedRevision {
  /** The commit. */
  readonly commit: string;
  /** Branches and tags that point to it. */
  readonly refs: readonly string[];
  /** The folder of its files. `loadCheckpoint` takes it. */
  readonly path: string;
  readonly files: readonly CachedFile[];
  /** Bytes of its files; a blob counts once. */
  readonly bytes: number;
  /** Empty when the cache has no weights of this revision. */
  readonly weights: readonly CachedWeights[];
  /** True when the cache has all files of some of its weights. */
  readonly complete: boolean;
}

/** A model in the cache. */
export interface CachedModel {
  /** Name on the hub: `organisation/name`, or a name alone for old models. */
  readonly name: string;
  /** The folder of its repository. */
  readonly path: string;
  readonly revisions: readonly CachedRevision[];
  /** Bytes on the disk: each blob once, and what interrupted downloads have left. */
  readonly bytes: number;
  /** Bytes of downloads that have not ended. */
  readonly incompleteBytes: number;
  /** When its weights were read last, as far as the file system records it. */
  readonly lastUsed: Date | undefined;
}

/** An entry of the cache that is not what it should be. */
export interface CacheProblem {
  readonly path: string;
  readonly message: string;
}
