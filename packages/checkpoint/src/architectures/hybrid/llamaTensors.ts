import type { LayerParameter, LocalTensors } from "./hubSources.ts";

/** Names of the tensors of a layer in `bamba`, `falcon_h1` and `jamba`, with an MLP. */
export function llamaTensors({ module, place, local }: LayerParameter): LocalTensors {
  if (module === undefined) return place === "mixer" ? "input_layernorm.weight" : "pre_ff_layernorm.weight";
  if (place === "ffn") return `feed_forward.${local}`;
  return `${module.kind === "attention" ? "self_attn" : "mamba"}.${local}`;
}
