// What PEFT calls its files and tensors.

export const adapterConfigFile = "adapter_config.json";
export const adapterWeightsFile = "adapter_model.safetensors";

/** Before the names that the model itself uses: `base_model.model.backbone.layers.0.mixer.in_proj.lora_A.weight`. */
export const adapterPrefix = "base_model.model.";
