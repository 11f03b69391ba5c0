import { type MambaLMConfig, paddedVocabSize } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";

const torchNames: Readonly<Record<FloatDType, string>> = { f32: "float32", f16: "float16", bf16: "bfloat16" };

const innerNormNames = { none: "none", weighted: "jamba", unweighted: "falcon" } as const;

/**
 * The config.json of a model, as `transformers` writes it. Falcon-style norms make it `falcon_mamba`; a model that
 * `transformers` does not have (Jamba-style norms, muP, no selection) gets the type `mamba_ts`, which it refuses rather than runs
 * wrongly. What only this package reads lies under the key `mamba_ts`.
 */
export function hubConfig(config: MambaLMConfig, dtype: FloatDType, stopIds: readonly number[]): object {
  const isOwn = config.innerNorms === "weighted" || config.mupBaseWidth !== undefined || !config.selective;
  const isFalcon = !isOwn && config.innerNorms === "unweighted";
  const rows = paddedVocabSize(config);
  const own = {
    ...(rows !== config.vocabSize && { vocab_size: config.vocabSize }),
    ...(isOwn && { inner_norms: innerNormNames[config.innerNorms], inner_norm_eps: config.innerNormEps }),
    ...(config.mupBaseWidth !== undefined && { mup_base_width: config.mupBaseWidth }),
    ...(!config.selective && { selective: false }),
  };
  return {
    ...(!isOwn && { architectures: [isFalcon ? "FalconMambaForCausalLM" : "MambaForCausalLM"] }),
    model_type: isOwn ? "mamba_ts" : isFalcon ? "falcon_mamba" : "mamba",
    vocab_size: rows,
    ...(rows !== config.vocabSize && { pad_vocab_size_multiple: config.padVocabSizeMultiple }),
    hidden_size: config.dModel,
    num_hidden_layers: config.nLayers,
    intermediate_size: config.dInner,
    expand: config.dInner / config.dModel,
    state_size: config.dState,
    conv_kernel: config.dConv,
    time_step_rank: config.dtRank,
    time_step_min: config.dtMin,
    time_step_max: config.dtMax,
    time_step_floor: config.dtInitFloor,
    time_step_scale: config.dtScale,
    time_step_init_scheme: config.dtInit,
    layer_norm_epsilon: config.rmsNormEps,
    ...(isFalcon && { mixer_rms_eps: config.innerNormEps }),
    initializer_range: config.initializerRange,
    hidden_act: "silu",
    use_bias: config.bias,
    use_conv_bias: config.convBias,
    residual_in_fp32: true,
    tie_word_embeddings: config.tieEmbeddings,
    // Written even when there is none: transformers would otherwise take id 0 for the end.
    bos_token_id: stopIds[0] ?? null,
    eos_token_id: stopIds.length > 1 ? stopIds : (stopIds[0] ?? null),
    pad_token_id: stopIds[0] ?? null,
    torch_dtype: torchNames[dtype],
    ...(Object.keys(own).length > 0 && { mamba_ts: own }),
  };
}
