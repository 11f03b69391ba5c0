import { type MambaLMConfigInput, parameterSpecs, resolveLMConfig } from "@mamba/core";
import type { TensorToWrite } from "@mamba/core/safetensors";
import { f32Tensor, safetensors } from "./files.ts";

/** A config.json as transformers writes it, with the stale twins that real ones carry. */
export const tinyConfig = {
  architectures: ["MambaForCausalLM"],
  model_type: "mamba",
  vocab_size: 300,
  hidden_size: 16,
  d_model: 9999,
  num_hidden_layers: 2,
  n_layer: 77,
  intermediate_size: 24,
  expand: 16,
  state_size: 4,
  conv_kernel: 3,
  time_step_rank: 2,
  layer_norm_epsilon: 1e-5,
  use_conv_bias: true,
  initializer_range: 0.1,
  time_step_limit: [0, 1],
};

/** `tinyConfig` as the model has it. */
export const tinyInput: MambaLMConfigInput = {
  vocabSize: 300,
  dModel: 16,
  nLayers: 2,
  dInner: 24,
  expand: 1.5,
  dState: 4,
  dConv: 3,
  dtRank: 2,
};

/** The tensors that a PyTorch tool would write for a config: the convolution with its channel axis. */
export function tensorsOf(input: MambaLMConfigInput): TensorToWrite[] {
  return parameterSpecs(resolveLMConfig(input)).map(({ name, shape }, i) => {
    const [rows = 0, ...rest] = shape;
    return f32Tensor(name, name.endsWith("conv1d.weight") ? [rows, 1, ...rest] : shape, i + 1);
  });
}

/** config.json and model.safetensors of the tiny model; `change` edits its tensors. */
export async function tinyFiles(
  change: (tensors: TensorToWrite[]) => TensorToWrite[] = (tensors) => tensors,
  config: object = tinyConfig,
): Promise<Record<string, unknown>> {
  return { "config.json": config, "model.safetensors": await safetensors(change(tensorsOf(tinyInput))) };
}
