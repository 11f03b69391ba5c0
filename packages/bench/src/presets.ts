import type { LMConfigInput, MambaLMConfigInput } from "@mamba/core";
import { hybridPresets } from "./hybridPresets.ts";

/** The GPT-NeoX vocabulary: 50277 tokens in a table of 50280 rows. */
const neox = { vocabSize: 50277, padVocabSizeMultiple: 8 };

/** Model shapes by name: the state-spaces checkpoints (Mamba paper, table 3 and appendix E), and a small one. */
export const presets = {
  "mamba-130m": { dModel: 768, nLayers: 24, ...neox },
  "mamba-370m": { dModel: 1024, nLayers: 48, ...neox },
  "mamba-790m": { dModel: 1536, nLayers: 48, ...neox },
  "mamba-1.4b": { dModel: 2048, nLayers: 48, ...neox },
  "mamba-2.8b": { dModel: 2560, nLayers: 64, ...neox },
  /** Reads and writes bytes; about 100 000 parameters. */
  tiny: { dModel: 64, nLayers: 3, vocabSize: 256 },
} as const satisfies Readonly<Record<string, MambaLMConfigInput>>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as PresetName[];

/** Shapes of all models by name: Mamba, Mamba-2 and hybrids. */
export const modelPresets = { ...presets, ...hybridPresets } as const satisfies Readonly<
  Record<string, LMConfigInput>
>;

export type ModelPresetName = keyof typeof modelPresets;

export const modelPresetNames = Object.keys(modelPresets) as ModelPresetName[];
