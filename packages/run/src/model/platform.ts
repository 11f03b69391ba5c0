import type { LoadedCheckpoint, LoadOptions } from "@mamba/checkpoint";
import type { LoraAdapter, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import type { BackendPlatform } from "../backends/platform.ts";
import type { ModelSource, OpenOptions } from "./options.ts";

/** Options of loading, for files of any place. */
export interface FileOptions
  extends
    LoadOptions,
    Pick<OpenOptions, "revision" | "cacheDir" | "hubUrl" | "accessToken" | "offline" | "cache"> {}

/** The backends of a platform, and its places of models. */
export interface ModelPlatform extends BackendPlatform {
  adapterBase(source: ModelSource, options: FileOptions): Promise<string | undefined>;
  loadCheckpoint(kernel: Kernel, source: ModelSource, options: FileOptions): Promise<LoadedCheckpoint>;
  /** True when an adapter's name of its base stands for this source. */
  isBase(name: string, source: ModelSource): boolean;
  /** The chat templates of an adapter; empty where it has none of its own. */
  adapterTemplates(source: ModelSource, options: FileOptions): Promise<ReadonlyMap<string, string>>;
  loadAdapter(model: MambaLM, source: ModelSource, options: FileOptions): Promise<LoraAdapter>;
}
