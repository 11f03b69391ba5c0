import {
  attention,
  type AttentionConfig,
  type AttentionConfigInput,
  type HybridLMConfig,
  mamba2,
  type Mamba2Config,
  type ModuleSpec,
} from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import { firstOf } from "../../architectures/hybrid/modules.ts";
import type { GgufValue } from "../../formats/gguf/metadata.ts";
import type { GgufFields } from "../fields.ts";
import type { GgufStored } from "./architecture.ts";
import { f32, u32 } from "./values.ts";

// Keys that several architectures have in common.

/** Fields that every module of a model is given. */
export interface Common {
  readonly dModel: number;
  readonly nLayers: number;
}

/** Width, number of layers, and the epsilon of all norms. */
export function sizesOf(fields: GgufFields): Common & { readonly rmsNormEps: number } {
  const key = "attention.layer_norm_rms_epsilon";
  return {
    dModel: fields.needed("embedding_length"),
    nLayers: fields.layers(),
    rmsNormEps: fields.number(key) ?? fields.missing(key),
  };
}

/** A Mamba-2 block. @param layer one that has it, whose tensors say which norm and biases there are */
export function mamba2Of(
  fields: GgufFields,
  tensors: TensorShapes,
  { dModel, nLayers, rmsNormEps }: Common & { readonly rmsNormEps: number },
  layer: number,
): ModuleSpec {
  const dInner = fields.needed("ssm.inner_size");
  const heads = fields.needed("ssm.time_step_rank"); // the number of heads in files of Mamba-2
  return mamba2({
    dModel,
    nLayers,
    dInner,
    heads,
    headDim: dInner / heads,
    dState: fields.needed("ssm.state_size"),
    groups: Math.max(1, fields.count("ssm.group_count") ?? 1),
    dConv: fields.needed("ssm.conv_kernel"),
    convBias: tensors.has(`blk.${layer}.ssm_conv1d.bias`),
    norm: tensors.has(`blk.${layer}.ssm_norm.weight`) ? "gateFirst" : "none",
    normEps: rmsNormEps,
  });
}

/** The keys of a Mamba-2 block. */
export function mamba2Entries({ dConv, dInner, dState, heads, groups }: Mamba2Config): [string, GgufValue][] {
  return [
    ["ssm.conv_kernel", u32(dConv)],
    ["ssm.inner_size", u32(dInner)],
    ["ssm.state_size", u32(dState)],
    ["ssm.time_step_rank", u32(heads)],
    ["ssm.group_count", u32(groups)],
  ];
}

/** Attention. @param layer one that has it */
export function attentionOf(
  fields: GgufFields,
  tensors: TensorShapes,
  { dModel, nLayers }: Common,
  { layer, kvHeads }: { readonly layer: number; readonly kvHeads: number },
  change: (headDim: number) => Partial<AttentionConfigInput>,
): ModuleSpec {
  const heads =
    fields.perLayer("attention.head_count", nLayers)?.[layer] ?? fields.missing("attention.head_count");
  const headDim = fields.count("attention.key_length") ?? dModel / heads;
  const valueDim = fields.count("attention.value_length") ?? headDim;
  if (valueDim !== headDim)
    throw fields.wrong("attention.value_length", `is ${valueDim}, attention.key_length ${headDim}`);
  const bias = tensors.has(`blk.${layer}.attn_q.bias`);
  return attention({ dModel, nLayers, heads, kvHeads, headDim, bias, ...change(headDim) });
}

/** The keys of the heads of attention. */
export function headEntries({ heads, headDim, rotary }: AttentionConfig): [string, GgufValue][] {
  return [
    ["attention.head_count", u32(heads)],
    ["attention.key_length", u32(headDim)],
    ["attention.value_length", u32(headDim)],
    ["rope.dimension_count", u32(rotary?.dim ?? headDim)],
    ...(rotary ? [["rope.freq_base", f32(rotary.theta)] as [string, GgufValue]] : []),
  ];
}

/** Refuses rotary positions that are scaled for longer texts. */
export function checkRope(fields: GgufFields): void {
  const type = fields.string("rope.scaling.type") ?? "none";
  if (type !== "none") throw fields.unsupported(`rotary positions of the type ${JSON.stringify(type)}`);
}

/** The keys that every architecture has. */
export function commonEntries(config: HybridLMConfig, { contextLength }: GgufStored): [string, GgufValue][] {
  // llama.cpp requires a number, and makes room for so many keys and values.
  const unlimited = firstOf(config, "attention") ? 2 ** 17 : 2 ** 20;
  return [
    ["context_length", u32(contextLength ?? unlimited)],
    ["embedding_length", u32(config.dModel)],
    ["block_count", u32(config.nLayers)],
    ["attention.layer_norm_rms_epsilon", f32(config.rmsNormEps)],
  ];
}

/** The first layer for which `holds` is true; -1 when there is none. */
export function firstLayer(layers: number, holds: (layer: number) => boolean): number {
  for (let i = 0; i < layers; i++) if (holds(i)) return i;
  return -1;
}
