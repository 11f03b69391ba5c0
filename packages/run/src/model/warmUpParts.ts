import { isHybrid, type LMConfig, type ModuleSpec } from "@mamba/core";
import type { WarmUpOptions } from "@mamba/kernel-webgpu";

type Parts = NonNullable<WarmUpOptions["parts"]>;

/** The parts of `warmUp` that each kind of module runs. An MLP needs the shaders of every model alone. */
const partsOfKind: Readonly<Record<string, Parts>> = {
  mamba: ["mamba"],
  mamba2: ["mamba2"],
  mamba3: ["mamba2"],
  attention: ["attention"],
  experts: ["experts"],
};

/** The options of `warmUp` that select the shaders of a model's layers. */
export function warmUpPartsOf(config: LMConfig): Pick<WarmUpOptions, "parts" | "stateSize"> {
  if (!isHybrid(config)) return { parts: ["mamba"], stateSize: config.dState };
  const modules = new Map<string, ModuleSpec>();
  for (const { mixer = [], ffn } of config.layers) {
    for (const module of [mixer, ffn ?? []].flat()) modules.set(module.kind, module);
  }
  const parts = [...new Set([...modules.keys()].flatMap((kind) => partsOfKind[kind] ?? []))];
  return { parts, stateSize: stateSizeOf(modules.get("mamba")) };
}

function stateSizeOf(block: ModuleSpec | undefined): number | undefined {
  const { dState } = (block?.config ?? {}) as { readonly dState?: unknown };
  return typeof dState === "number" ? dState : undefined;
}
