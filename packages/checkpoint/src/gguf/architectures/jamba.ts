import { experts, type LayerSpec, mamba, mlp, type ModuleSpec } from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import { configOf, firstOf, mixersOf, required } from "../../architectures/hybrid/modules.ts";
import type { GgufFields } from "../fields.ts";
import { hybridGguf } from "./hybrid.ts";
import { innerSizeNote } from "./mamba.ts";
import { attentionOf, commonEntries, firstLayer, headEntries, sizesOf } from "./modules.ts";
import { perLayer, u32 } from "./values.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** The architecture `jamba` of llama.cpp: layers of Mamba-1 with inner norms or of attention without positions, then an MLP or experts. */
export const jamba = hybridGguf({
  names: ["jamba"],
  keepsScales: false,
  isInterleaved: false,
  ffnNorm: ["ffn_norm.weight"],
  fromMetadata: (fields, tensors) => {
    const sizes = sizesOf(fields);
    const { dModel, nLayers, rmsNormEps } = sizes;
    const heads =
      fields.perLayer("attention.head_count_kv", nLayers) ?? fields.missing("attention.head_count_kv");
    const recurrent = firstLayer(nLayers, (i) => heads[i] === 0);
    const mixer = recurrent < 0 ? undefined : mambaOf(fields, tensors, sizes, recurrent);
    const attending = new Map<number, ModuleSpec>();
    for (const [layer, kvHeads] of heads.entries()) {
      if (kvHeads === 0 || attending.has(kvHeads)) continue;
      attending.set(
        kvHeads,
        attentionOf(fields, tensors, sizes, { layer, kvHeads }, () => ({})),
      );
    }
    const dHidden = fields.needed("feed_forward_length");
    const dense = mlp({ dModel, nLayers, dHidden });
    const isMoe = (layer: number) => tensors.has(`blk.${layer}.ffn_gate_inp.weight`);
    const moe =
      firstLayer(nLayers, isMoe) < 0
        ? dense
        : experts({
            dModel,
            nLayers,
            dHidden,
            experts: fields.needed("expert_count"),
            perToken: fields.needed("expert_used_count"),
          });
    const layers = heads.map((kvHeads, i): LayerSpec => ({
      mixer: attending.get(kvHeads) ?? mixer,
      ffn: isMoe(i) ? moe : dense,
    }));
    return { ...vocabularyOf(fields, tensors), dModel, rmsNormEps, layers };
  },
  toMetadata: (config, stored) => {
    const block = required(firstOf(config, "mamba"), "no Mamba blocks");
    const attending = firstOf(config, "attention");
    const moe = firstOf(config, "experts");
    const { dHidden } = required(firstOf(config, "mlp") ?? moe, "layers without an MLP or experts");
    const kvHeads = config.layers.map((layer) => configOf(mixersOf(layer)[0], "attention")?.kvHeads ?? 0);
    return {
      architecture: "jamba",
      entries: new Map([
        ...commonEntries(config, stored),
        ...(attending ? headEntries(attending) : [["attention.head_count", u32(0)] as const]),
        ["attention.head_count_kv", perLayer(kvHeads)],
        ["ssm.conv_kernel", u32(block.dConv)],
        ["ssm.inner_size", u32(block.dInner)],
        ["ssm.state_size", u32(block.dState)],
        ["ssm.time_step_rank", u32(block.dtRank)],
        ["feed_forward_length", u32(dHidden)],
        ["expert_count", u32(moe?.experts ?? 0)],
        ["expert_used_count", u32(moe?.perToken ?? 0)],
      ]),
      notes:
        block.dInner === 2 * config.dModel
          ? []
          : [innerSizeNote("Jamba models", block.dInner, config.dModel)],
    };
  },
});

function mambaOf(
  fields: GgufFields,
  tensors: TensorShapes,
  { dModel, nLayers, rmsNormEps }: ReturnType<typeof sizesOf>,
  layer: number,
): ModuleSpec {
  return mamba({
    dModel,
    nLayers,
    rmsNormEps,
    dInner: fields.needed("ssm.inner_size"),
    dState: fields.needed("ssm.state_size"),
    dConv: fields.needed("ssm.conv_kernel"),
    dtRank: fields.needed("ssm.time_step_rank"),
    convBias: tensors.has(`blk.${layer}.ssm_conv1d.bias`),
    innerNorms: tensors.has(`blk.${layer}.ssm_dt_norm.weight`) ? "weighted" : "none",
  });
}
