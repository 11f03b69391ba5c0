import {
  attention,
  type HybridLMConfig,
  type LayerSpec,
  type Mamba2Config,
  mamba2,
  mlp,
  type ModuleSpec,
} from "@mamba/core";
import type { LayerParameter } from "../../architectures/hybrid/hubSources.ts";
import { configOf, mixersOf } from "../../architectures/hybrid/modules.ts";
import type { GgufHybrid } from "./hybrid.ts";

// GGUF has keys for few of the factors of a model. All others are multiplied into the weights of the file, in f32 before quantising: each
// stands before or after a linear layer.

/** The scales of the rows of a tensor in a file. Rows are undefined for all of them. */
export type RowScales = readonly (readonly [rows: readonly [number, number] | undefined, scale: number])[];

/** The scales with which the rows of a parameter are multiplied in a file; empty when all are 1. */
export function scalesOf({ module, layer, local }: LayerParameter, { keepsScales }: GgufHybrid): RowScales {
  const residual = keepsScales ? 1 : (layer.residualScale ?? 1);
  const all = (scale: number): RowScales => (scale === 1 ? [] : [[undefined, scale]]);
  const name = local.replace(/\.(?:weight|bias)$/, "");
  const recurrent = configOf(module, "mamba2");
  if (recurrent && name === "in_proj") return inProjScales(recurrent);
  if (recurrent && name === "out_proj") return all(recurrent.outputScale * residual);
  const attending = configOf(module, "attention");
  if (attending && name === "k_proj" && !keepsScales)
    return all(attending.scale / defaultScale(attending.headDim));
  if (attending && name === "o_proj") return all(attending.outputScale * residual);
  const dense = configOf(module, "mlp");
  if (dense && name === "gate_proj") return all(dense.gateScale);
  if (dense && name === "down_proj") return all(dense.outputScale * residual);
  const moe = configOf(module, "experts");
  const last = moe?.latent === undefined ? "down_proj" : "latent_out_proj";
  if (moe && (name === last || name === "shared.down_proj")) return all(residual);
  return module?.kind === "mamba" && name === "out_proj" ? all(residual) : [];
}

function defaultScale(headDim: number): number {
  return headDim ** -0.5;
}

/** The scales of z, x, B, C and dt; neighbours with the same one are one chunk. */
function inProjScales({ scales, dInner, groups, dState, heads }: Mamba2Config): RowScales {
  const { z, x, B, C, dt } = scales;
  const width = groups * dState;
  const sizes = [dInner, dInner, width, width, heads];
  const chunks: { start: number; end: number; scale: number }[] = [];
  let end = 0;
  for (const [i, scale] of [z, x, B, C, dt].entries()) {
    const start = end;
    end += sizes[i] ?? 0;
    const last = chunks.at(-1);
    if (last?.scale === scale) last.end = end;
    else chunks.push({ start, end, scale });
  }
  const [first] = chunks;
  if (chunks.length === 1) return first?.scale === 1 ? [] : [[undefined, first?.scale ?? 1]];
  return chunks.map((chunk) => [[chunk.start, chunk.end], chunk.scale]);
}

/** The scale of the table or the head. */
export function headScale(config: HybridLMConfig, parameter: string): number {
  if (parameter === "backbone.embeddings.weight") return config.embeddingScale;
  return parameter === "lm_head.weight" ? config.logitScale : 1;
}

/** True for a table that is also the head, when it needs another factor for each use. */
export function isUntiedByFolding({ tieEmbeddings, embeddingScale, logitScale }: HybridLMConfig): boolean {
  return tieEmbeddings && embeddingScale !== logitScale;
}

/** The model that a file describes whose weights hold the factors. */
export function folded(config: HybridLMConfig, form: GgufHybrid): HybridLMConfig {
  const known = new Map<LayerSpec, LayerSpec>();
  const layers = config.layers.map((layer) => {
    const found = known.get(layer) ?? foldedLayer(layer, form);
    known.set(layer, found);
    return found;
  });
  if (form.keepsScales) return { ...config, layers };
  const tieEmbeddings = config.tieEmbeddings && !isUntiedByFolding(config);
  return { ...config, layers, tieEmbeddings, embeddingScale: 1, logitScale: 1 };
}

function foldedLayer(layer: LayerSpec, form: GgufHybrid): LayerSpec {
  const mixers = mixersOf(layer).map((module) => foldedModule(module, form));
  return {
    mixer: mixers,
    ffn: layer.ffn && foldedModule(layer.ffn, form),
    residualScale: form.keepsScales ? layer.residualScale : 1,
  };
}

function foldedModule(module: ModuleSpec, { keepsScales, isInterleaved }: GgufHybrid): ModuleSpec {
  const recurrent = configOf(module, "mamba2");
  if (recurrent) return mamba2({ ...recurrent, scales: {}, outputScale: 1 });
  const dense = configOf(module, "mlp");
  if (dense) return mlp({ ...dense, gateScale: 1, outputScale: 1 });
  const attending = configOf(module, "attention");
  if (!attending) return module;
  const { rotary, scale, headDim } = attending;
  return attention({
    ...attending,
    scale: keepsScales ? scale : defaultScale(headDim),
    outputScale: 1,
    rotary: rotary && isInterleaved ? { ...rotary, pairing: "half" } : rotary,
  });
}
