import {
  type AttentionConfig,
  type ExpertsConfig,
  type HybridLMConfig,
  type LayerSpec,
  type Mamba2Config,
  type MambaConfig,
  type MlpConfig,
  type ModuleSpec,
} from "@mamba/core";
import { CheckpointError } from "../../errors.ts";

/** Configs of core's modules by their kinds. Files describe models of these. */
export interface ModuleConfigs {
  readonly mamba: MambaConfig;
  readonly mamba2: Mamba2Config;
  readonly attention: AttentionConfig;
  readonly mlp: MlpConfig;
  readonly experts: ExpertsConfig;
}

export type ModuleKind = keyof ModuleConfigs;

/** The config of a module of this kind; undefined for a module of another kind. */
export function configOf<K extends ModuleKind>(
  module: ModuleSpec | undefined,
  kind: K,
): ModuleConfigs[K] | undefined {
  return module?.kind === kind ? (module.config as ModuleConfigs[K]) : undefined;
}

/** The mixers of a layer: none, one, or several in parallel. */
export function mixersOf({ mixer = [] }: LayerSpec): readonly ModuleSpec[] {
  return [mixer].flat();
}

/** The modules of a layer: its mixers, and then its feed-forward network. */
export function modulesOf(layer: LayerSpec): readonly ModuleSpec[] {
  return [...mixersOf(layer), ...(layer.ffn ? [layer.ffn] : [])];
}

/** The config of the first module of this kind in a model. Files have one config for all modules of a kind. */
export function firstOf<K extends ModuleKind>(
  { layers }: HybridLMConfig,
  kind: K,
): ModuleConfigs[K] | undefined {
  for (const layer of layers) {
    for (const module of modulesOf(layer)) {
      const found = configOf(module, kind);
      if (found) return found;
    }
  }
  return undefined;
}

/** `value`, or an error for a model that lacks it. @throws CheckpointError `UNSUPPORTED_MODEL` */
export function required<T>(value: T | undefined, lack: string): T {
  if (value !== undefined) return value;
  throw new CheckpointError("UNSUPPORTED_MODEL", lack);
}
