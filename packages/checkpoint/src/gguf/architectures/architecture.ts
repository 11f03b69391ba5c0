import type { LMConfig, LMConfigInput } from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import type { ParameterSource } from "../../architectures/parameterSource.ts";
import type { GgufValue } from "../../formats/gguf/metadata.ts";
import type { GgufFields } from "../fields.ts";

/** An architecture of llama.cpp: how metadata and tensors of a GGUF file describe a model. */
export interface GgufArchitecture {
  /** Values of `general.architecture` that files of it have. */
  readonly names: readonly [string, ...string[]];
  /**
   * The model that a file describes.
   *
   * @param fields those whose keys begin with `general.architecture`, without it
   * @param architecture that name
   * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`, `MISSING_TENSOR`; MambaError `CONFIG`
   */
  fromMetadata(fields: GgufFields, tensors: TensorShapes, architecture: string): LMConfigInput;
  /** The reason why a file of this architecture cannot describe a model; undefined when it can. */
  obstacle(config: LMConfig): string | undefined;
  /** The metadata of a model that llama.cpp needs, but for `general`, the vocabulary and the tokenizer. */
  toMetadata(config: LMConfig, stored: GgufStored): ArchitectureMetadata;
  /**
   * The place of every parameter in a file, in the order of core's parameters. A parameter may come once more, for a tensor that is
   * written and not read.
   */
  sources(config: LMConfig): readonly ParameterSource[];
  /** Tensors that a file holds although the model does not use them, and the reason. */
  skipped?(fields: GgufFields): { readonly pattern: RegExp; readonly reason: string } | undefined;
}

/** Facts in a file that are not part of the model's config. */
export interface GgufStored {
  /** Positions that the model was trained for. Default: 2^20 without attention, 131072 with it. */
  readonly contextLength?: number | undefined;
}

/** The architecture of a file and its keys. */
export interface ArchitectureMetadata {
  /** `general.architecture`. */
  readonly architecture: string;
  /** Values by their keys, without the architecture before them. */
  readonly entries: ReadonlyMap<string, GgufValue>;
  /** Values of keys that do not begin with the architecture. */
  readonly own?: ReadonlyMap<string, GgufValue>;
  /** Notes for the user about programs that cannot load the file, or compute something else from it. */
  readonly notes?: readonly string[];
}
