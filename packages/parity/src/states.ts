import { generate, loadState, MambaLM, GenerationState, saveState } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { hybridConfig } from "./hybrid.ts";

const prompt = [1, 5, 2, 7, 0, 3, 3, 6, 4];
const options = { temperature: 0.5, maxTokens: 12 };

/** Generates 24 tokens by a hybrid: 12 on one backend, and 12 on another from the saved state. */
export async function generateOnTwo(first: Kernel, second: Kernel): Promise<number[]> {
  using model = MambaLM.init(first, hybridConfig, 1);
  using state = GenerationState.start(model, prompt, { seed: 5 });
  const ids = await idsOf(model, state);
  const saved = await saveState(state);
  using other = MambaLM.init(second, hybridConfig, 1);
  using restored = await loadState(other, saved);
  return [...ids, ...(await idsOf(other, restored))];
}

async function idsOf(model: MambaLM, state: GenerationState): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generate(model, state, options)) ids.push(id);
  return ids;
}
