import type { CheckpointFiles, FileContents, LoadOptions } from "@mamba/checkpoint";
import type { WeightDType } from "@mamba/kernel";
import type { BackendOptions } from "../backends/options.ts";

/**
 * The place of a model, as `loadCheckpoint` takes it: a folder, a GGUF file, the name of a model on the hub or a URL; in browsers a URL;
 * and a GGUF file as a `Blob` or `File`, or files by their names. The place of an adapter opens the model that the adapter names, with
 * the adapter attached.
 */
export type ModelSource = string | URL | Blob | FileContents | CheckpointFiles;

/** Progress of opening a model. */
export interface OpenProgress {
  /** "download": files come over the network; "load": weights go to the backend; "compile": WebGPU compiles its shaders. */
  readonly phase: "download" | "load" | "compile";
  /** Bytes; shaders while compiling. */
  readonly done: number;
  /** Undefined while a server has not announced the length of a file. */
  readonly total: number | undefined;
  /** The file that is being read. */
  readonly file?: string | undefined;
}

/** Options of `openModel`. */
export interface OpenOptions extends BackendOptions, Pick<LoadOptions, "file" | "verify"> {
  /** Store the large matrices as this type. Default: as in the file. */
  readonly dtype?: WeightDType | undefined;
  /** The place of a LoRA adapter in PEFT's format, which is attached to the model. */
  readonly adapter?: ModelSource | undefined;
  /** Branch, tag or commit of a model on the hub. Node only. Default "main". */
  readonly revision?: string | undefined;
  /** Folder of the hub's cache. Node only. Default: the cache of the Python tools. */
  readonly cacheDir?: string | undefined;
  /** Node only. Default: `HF_ENDPOINT`, or `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** Access token of the hub. Node only. Default: `HF_TOKEN`. */
  readonly accessToken?: string | undefined;
  /** Use the hub's cache and contact no server. Node only. */
  readonly offline?: boolean | undefined;
  /** Store fetched files in the browser's Cache Storage. Browsers only. Default true. */
  readonly cache?: boolean | "refresh" | undefined;
  readonly onProgress?: ((progress: OpenProgress) => void) | undefined;
  /** Stops opening: the promise rejects with the signal's reason, and nothing stays open. */
  readonly signal?: AbortSignal | undefined;
}
