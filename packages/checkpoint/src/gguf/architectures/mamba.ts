import { isHybrid, type LMConfig, type MambaLMConfig, type ParameterSpec, parameterSpecs } from "@mamba/core";
import { CheckpointError } from "../../errors.ts";
import type { ParameterSource } from "../../architectures/parameterSource.ts";
import type { GgufArchitecture } from "./architecture.ts";
import { mambaNames, modelNames } from "./names.ts";
import { bool, f32, u32 } from "./values.ts";
import { ownKeys, vocabularyOf } from "./vocabulary.ts";

/** The architecture `mamba` of llama.cpp: Mamba-1, and falcon_mamba by the key ssm.dt_b_c_rms. */
export const mamba: GgufArchitecture = {
  names: ["mamba"],
  fromMetadata: (fields, tensors) => {
    const eps =
      fields.number("attention.layer_norm_rms_epsilon") ?? fields.missing("attention.layer_norm_rms_epsilon");
    const groups = fields.count("ssm.group_count") ?? 0;
    if (groups > 1) throw fields.wrong("ssm.group_count", `must be 0 or 1 for Mamba-1, got ${groups}`);
    const dModel = fields.needed("embedding_length");
    const dInner = fields.needed("ssm.inner_size");
    const hasNorms = fields.boolean("ssm.dt_b_c_rms") ?? false;
    return {
      ...vocabularyOf(fields, tensors),
      dModel,
      nLayers: fields.layers(),
      dInner,
      expand: dInner / dModel,
      dState: fields.needed("ssm.state_size"),
      dConv: fields.needed("ssm.conv_kernel"),
      dtRank: fields.needed("ssm.time_step_rank"),
      rmsNormEps: eps,
      bias: false,
      convBias: tensors.has("blk.0.ssm_conv1d.bias"),
      ...(hasNorms && {
        innerNorms: "unweighted",
        innerNormEps: fields.all.number(ownKeys.innerNormEps) ?? eps,
      }),
    };
  },
  obstacle: (config) => {
    if (isHybrid(config)) return "layers of its own";
    const { innerNorms, mupBaseWidth, selective, bias } = config;
    if (innerNorms === "weighted") return "innerNorms weighted";
    if (mupBaseWidth !== undefined) return "mupBaseWidth";
    if (bias) return "bias true (in_proj and out_proj)";
    return selective ? undefined : "selective false";
  },
  toMetadata: (config, { contextLength }) => {
    const { dModel, nLayers, dConv, dInner, dState, dtRank, rmsNormEps, innerNorms, innerNormEps } =
      own(config);
    const isFalcon = innerNorms === "unweighted";
    return {
      architecture: "mamba",
      entries: new Map([
        ["context_length", u32(contextLength ?? 2 ** 20)], // no limit; llama.cpp requires a number
        ["embedding_length", u32(dModel)],
        ["feed_forward_length", u32(0)],
        ["attention.head_count", u32(0)],
        ["block_count", u32(nLayers)],
        ["ssm.conv_kernel", u32(dConv)],
        ["ssm.inner_size", u32(dInner)],
        ["ssm.state_size", u32(dState)],
        ["ssm.time_step_rank", u32(dtRank)],
        ["attention.layer_norm_rms_epsilon", f32(rmsNormEps)],
        ["ssm.dt_b_c_rms", bool(isFalcon)],
      ]),
      ...(isFalcon &&
        innerNormEps !== rmsNormEps && { own: new Map([[ownKeys.innerNormEps, f32(innerNormEps)]]) }),
      notes: dInner === 2 * dModel ? [] : [innerSizeNote("Mamba models", dInner, dModel)],
    };
  },
  sources: (config) => parameterSpecs(own(config)).map(source),
};

function own(config: LMConfig): MambaLMConfig {
  if (!isHybrid(config)) return config;
  throw new CheckpointError(
    "UNSUPPORTED_MODEL",
    "the GGUF architecture mamba has no layers of several kinds",
  );
}

/** A note about sizes that llama.cpp does not load. */
export function innerSizeNote(models: string, dInner: number, dModel: number): string {
  const sizes = `inner size ${dInner} and width ${dModel}`;
  return `llama.cpp loads ${models} only with an inner size of twice the width, this one has ${sizes}`;
}

/** The tensor of a parameter. `ssm_a` holds -exp(A_log). */
function source(spec: ParameterSpec): ParameterSource {
  const [, layer, local = ""] = /^backbone\.layers\.(\d+)\.(.*)$/.exec(spec.name) ?? [];
  const inLayer = local === "norm.weight" ? "attn_norm.weight" : mambaNames[local.replace(/^mixer\./, "")];
  const name = layer === undefined ? modelNames[spec.name] : inLayer && `blk.${layer}.${inLayer}`;
  if (name === undefined)
    throw new CheckpointError("UNSUPPORTED_MODEL", `GGUF has no tensor for the parameter ${spec.name}`);
  const stores = local.endsWith(".A_log") ? ({ stores: "negExp" } as const) : {};
  return { spec, chunks: [{ names: [name], shapes: shapesOf(spec), ...stores }] };
}

/** The shapes that files give a parameter of Mamba-1. */
export function shapesOf({ name, shape }: ParameterSpec): ParameterSource["chunks"][0]["shapes"] {
  if (!name.endsWith(".conv1d.weight")) return [shape];
  const [channels = 0, width = 0] = shape;
  return [shape, [channels, 1, width]];
}
