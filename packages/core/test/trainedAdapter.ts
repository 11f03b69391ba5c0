import { elementCount } from "@mamba/kernel";
import { LoraAdapter, type LoraConfigInput, mambaLinears, type MambaLM } from "../src/index.ts";

/** A LoRA config for all matrices of a Mamba block. */
const everywhere = { rank: 3, alpha: 5, targets: mambaLinears } as const;

/** An adapter whose B is not zero any more. */
export function trainedAdapter(model: MambaLM, input: LoraConfigInput = everywhere): LoraAdapter {
  const adapter = LoraAdapter.init(model, input, 3);
  for (const [name, tensor] of adapter.parameters) {
    if (!name.endsWith("lora_B.weight")) continue;
    const count = elementCount(tensor.shape);
    model.kernel.write(
      tensor,
      0,
      Float32Array.from({ length: count }, (_, i) => 0.2 * Math.sin(i + name.length)),
    );
  }
  return adapter;
}
