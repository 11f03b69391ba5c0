import { experts, type HybridLMConfig, type LayerSpec, mlp, type ModuleSpec } from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import { configOf, firstOf, mixersOf, required } from "../../architectures/hybrid/modules.ts";
import { CheckpointError } from "../../errors.ts";
import type { GgufValue } from "../../formats/gguf/metadata.ts";
import type { GgufFields } from "../fields.ts";
import { hybridGguf } from "./hybrid.ts";
import { innerSizeNote } from "./mamba.ts";
import {
  attentionOf,
  checkRope,
  commonEntries,
  type Common,
  firstLayer,
  headEntries,
  mamba2Entries,
  mamba2Of,
  sizesOf,
} from "./modules.ts";
import { bool, f32, perLayer, u32 } from "./values.ts";
import { vocabularyOf } from "./vocabulary.ts";

/**
 * The architecture `granitehybrid` of llama.cpp, Granite 4 with layers of Mamba-2 (and Bamba), and `granite` and `granitemoe`, its models
 * of attention alone.
 */
export const graniteHybrid = hybridGguf({
  names: ["granitehybrid", "granite", "granitemoe"],
  keepsScales: true,
  isInterleaved: true,
  ffnNorm: ["ffn_norm.weight"],
  fromMetadata: (fields, tensors) => {
    checkRope(fields);
    const sizes = sizesOf(fields);
    const { dModel, nLayers, rmsNormEps } = sizes;
    const heads =
      fields.perLayer("attention.head_count_kv", nLayers) ?? fields.missing("attention.head_count_kv");
    const recurrent = firstLayer(nLayers, (i) => heads[i] === 0);
    const mixer = recurrent < 0 ? undefined : mamba2Of(fields, tensors, sizes, recurrent);
    const attending = new Map<number, ModuleSpec>();
    for (const [layer, kvHeads] of heads.entries()) {
      if (kvHeads === 0 || attending.has(kvHeads)) continue;
      attending.set(kvHeads, graniteAttention(fields, tensors, sizes, { layer, kvHeads }));
    }
    const ffn = feedForward(fields, tensors, sizes);
    const residualScale = scaleOf(fields, "residual_scale") ?? 1;
    return {
      ...vocabularyOf(fields, tensors),
      dModel,
      rmsNormEps,
      embeddingScale: scaleOf(fields, "embedding_scale"),
      logitScale: 1 / (scaleOf(fields, "logit_scale") ?? 1),
      layers: heads.map((kvHeads): LayerSpec => ({
        mixer: attending.get(kvHeads) ?? mixer,
        ffn,
        residualScale,
      })),
    };
  },
  toMetadata: (config, stored) => {
    const recurrent = firstOf(config, "mamba2");
    const attending = firstOf(config, "attention");
    const { ffn, residualScale = 1 } = config.layers[0] ?? {};
    const moe = configOf(ffn, "experts");
    const all = moe ? "granitemoe" : "granite";
    const { rotary, headDim = 0 } = attending ?? {};
    if (rotary && rotary.dim !== headDim)
      throw new CheckpointError(
        "UNSUPPORTED_MODEL",
        `rotary positions of ${rotary.dim} of the ${headDim} channels of a head`,
      );
    const isDouble = recurrent === undefined || recurrent.dInner === 2 * config.dModel;
    return {
      architecture: recurrent ? "granitehybrid" : all,
      entries: new Map([
        ...commonEntries(config, stored),
        ...(attending ? headEntries(attending) : [["attention.head_count", u32(0)] as const]),
        ["attention.head_count_kv", kvHeads(config)],
        ["rope.scaling.finetuned", bool(rotary !== undefined)],
        ...(attending ? [["attention.scale", f32(attending.scale)] as const] : []),
        ["embedding_scale", f32(config.embeddingScale)],
        ["residual_scale", f32(residualScale)],
        ["logit_scale", f32(1 / config.logitScale)],
        ...(recurrent ? mamba2Entries(recurrent) : []),
        ...ffnEntries(ffn),
      ]),
      notes: isDouble ? [] : [innerSizeNote("Granite hybrids", recurrent.dInner, config.dModel)],
    };
  },
});

/** A factor; llama.cpp takes 0 for one that is not there. */
function scaleOf(fields: GgufFields, key: string): number | undefined {
  const value = fields.number(key);
  return value === 0 ? undefined : value;
}

function graniteAttention(
  fields: GgufFields,
  tensors: TensorShapes,
  common: Common,
  place: { readonly layer: number; readonly kvHeads: number },
): ModuleSpec {
  // The key says whether there are rotary positions; llama.cpp takes a file without it to have them.
  const hasRope = fields.boolean("rope.scaling.finetuned") ?? true;
  return attentionOf(fields, tensors, common, place, (headDim) => ({
    scale: scaleOf(fields, "attention.scale"),
    rotary: hasRope
      ? {
          theta: fields.number("rope.freq_base") ?? 10000,
          dim: fields.count("rope.dimension_count") ?? headDim,
        }
      : undefined,
  }));
}

function feedForward(fields: GgufFields, tensors: TensorShapes, { dModel, nLayers }: Common): ModuleSpec {
  const dHidden = fields.needed("feed_forward_length");
  const count = fields.count("expert_count") ?? 0;
  const bias = tensors.has("blk.0.ffn_down.bias");
  if (count === 0) return mlp({ dModel, nLayers, dHidden, bias });
  const shared = fields.count("expert_shared_feed_forward_length") ?? 0;
  return experts({
    dModel,
    nLayers,
    dHidden,
    experts: count,
    perToken: fields.needed("expert_used_count"),
    scoring: "topSoftmax",
    shared: shared > 0 ? { dHidden: shared } : undefined,
  });
}

function ffnEntries(ffn: ModuleSpec | undefined): [string, GgufValue][] {
  const dense = configOf(ffn, "mlp");
  if (dense) return [["feed_forward_length", u32(dense.dHidden)]];
  const moe = required(configOf(ffn, "experts"), "layers without an MLP or experts");
  return [
    ["feed_forward_length", u32(moe.dHidden)],
    ["expert_count", u32(moe.experts)],
    ["expert_used_count", u32(moe.perToken)],
    ...(moe.shared
      ? [["expert_shared_feed_forward_length", u32(moe.shared.dHidden)] as [string, GgufValue]]
      : []),
  ];
}

/** The heads of keys and values: 0 in a layer of Mamba-2. */
function kvHeads({ layers }: HybridLMConfig): GgufValue {
  const counts = layers.map((layer) => configOf(mixersOf(layer)[0], "attention")?.kvHeads ?? 0);
  const [first = 0] = counts;
  return counts.every((count) => count === first) && first > 0 ? u32(first) : perLayer(counts);
}
