import { experts, type ExpertsConfig, type LayerSpec, mlp, type ModuleSpec } from "@mamba/core";
import { configOf, firstOf, mixersOf } from "../../architectures/hybrid/modules.ts";
import type { GgufValue } from "../../formats/gguf/metadata.ts";
import type { GgufFields } from "../fields.ts";
import { hybridGguf } from "./hybrid.ts";
import {
  attentionOf,
  commonEntries,
  firstLayer,
  headEntries,
  mamba2Entries,
  mamba2Of,
  sizesOf,
} from "./modules.ts";
import { bool, f32, perLayer, u32 } from "./values.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** The architectures `nemotron_h` and `nemotron_h_moe` of llama.cpp: blocks of Mamba-2, attention without positions, an MLP or experts. */
export const nemotronH = hybridGguf({
  names: ["nemotron_h", "nemotron_h_moe"],
  keepsScales: false,
  isInterleaved: true,
  ffnNorm: ["attn_norm.weight"],
  fromMetadata: (fields, tensors, architecture) => {
    const { dModel, rmsNormEps, nLayers: all } = sizesOf(fields);
    const nLayers = all - furtherBlocks(fields);
    const sizes = { dModel, rmsNormEps, nLayers };
    const key = "attention.head_count_kv";
    const heads = fields.perLayer(key, all)?.slice(0, nLayers) ?? fields.missing(key);
    const widths = fields.perLayer("feed_forward_length", all) ?? fields.missing("feed_forward_length");
    const isMamba = (i: number) => heads[i] === 0 && widths[i] === 0;
    const recurrent = firstLayer(nLayers, isMamba);
    const mixer = recurrent < 0 ? undefined : mamba2Of(fields, tensors, sizes, recurrent);
    const made = new Map<string, LayerSpec>();
    const layerOf = (kvHeads: number, layer: number): LayerSpec => {
      if (isMamba(layer)) return { mixer };
      if (kvHeads > 0) return { mixer: attentionOf(fields, tensors, sizes, { layer, kvHeads }, () => ({})) };
      const dHidden = widths[layer] ?? 0;
      if (architecture === "nemotron_h_moe") return { ffn: expertsOf(fields, sizes, dHidden) };
      const bias = tensors.has(`blk.${layer}.ffn_down.bias`);
      return { ffn: mlp({ dModel, nLayers, dHidden, activation: "relu2", gated: false, bias }) };
    };
    const layers = heads.map((kvHeads, i) => {
      const kind = `${kvHeads} ${widths[i]}`;
      const layer = made.get(kind) ?? layerOf(kvHeads, i);
      made.set(kind, layer);
      return layer;
    });
    return { ...vocabularyOf(fields, tensors), dModel, rmsNormEps, layers };
  },
  toMetadata: (config, stored) => {
    const recurrent = firstOf(config, "mamba2");
    const attending = firstOf(config, "attention");
    const moe = firstOf(config, "experts");
    const kvHeads = config.layers.map((layer) => configOf(mixersOf(layer)[0], "attention")?.kvHeads ?? 0);
    const widths = config.layers.map(
      ({ ffn }) => (configOf(ffn, "mlp") ?? configOf(ffn, "experts"))?.dHidden ?? 0,
    );
    return {
      architecture: moe ? "nemotron_h_moe" : "nemotron_h",
      entries: new Map([
        ...commonEntries(config, stored),
        // llama.cpp requires it, and uses the other one.
        ["attention.layer_norm_epsilon", f32(config.rmsNormEps)],
        ...(attending ? headEntries(attending) : [["attention.head_count", u32(0)] as const]),
        ["attention.head_count_kv", perLayer(kvHeads)],
        ["rope.scaling.finetuned", bool(false)],
        ...(recurrent ? mamba2Entries(recurrent) : []),
        ["feed_forward_length", perLayer(widths)],
        ...(moe ? expertsEntries(moe) : []),
      ]),
    };
  },
  skipped: (fields) => {
    const further = furtherBlocks(fields);
    if (further === 0) return undefined;
    const first = fields.layers() - further;
    const names = Array.from({ length: further }, (_, i) => first + i).join("|");
    return {
      pattern: new RegExp(`^blk\\.(?:${names})\\.`),
      reason: "it belongs to a head that predicts further tokens",
    };
  },
});

/** Blocks at the end that predict further tokens, which are not read. */
function furtherBlocks(fields: GgufFields): number {
  const count = fields.count("nextn_predict_layers") ?? 0;
  if (count < fields.layers()) return count;
  throw fields.wrong("nextn_predict_layers", `is ${count}, of ${fields.layers()} blocks`);
}

function expertsOf(
  fields: GgufFields,
  { dModel, nLayers }: { readonly dModel: number; readonly nLayers: number },
  dHidden: number,
): ModuleSpec {
  if ((fields.count("expert_group_count") ?? 1) > 1)
    throw fields.unsupported("a choice among groups of experts");
  const shared = fields.count("expert_shared_feed_forward_length") ?? 0;
  return experts({
    dModel,
    nLayers,
    dHidden: fields.count("expert_feed_forward_length") ?? dHidden,
    experts: fields.needed("expert_count"),
    perToken: fields.needed("expert_used_count"),
    scoring: "sigmoid",
    scoreBias: true,
    normalize: fields.boolean("expert_weights_norm") ?? false,
    scale: fields.number("expert_weights_scale") ?? 1,
    activation: "relu2",
    gated: false,
    shared: shared > 0 ? { dHidden: shared } : undefined,
    latent: fields.count("moe_latent_size"),
  });
}

function expertsEntries(moe: ExpertsConfig): [string, GgufValue][] {
  return [
    ["expert_count", u32(moe.experts)],
    ["expert_used_count", u32(moe.perToken)],
    ["expert_feed_forward_length", u32(moe.dHidden)],
    ["expert_shared_feed_forward_length", u32(moe.shared?.dHidden ?? 0)],
    ["expert_shared_count", u32(moe.shared ? 1 : 0)],
    ["expert_weights_norm", bool(moe.normalize)],
    ["expert_weights_scale", f32(moe.scale)],
    ["expert_group_count", u32(1)],
    ...(moe.latent === undefined ? [] : [["moe_latent_size", u32(moe.latent)] as [string, GgufValue]]),
  ];
}
