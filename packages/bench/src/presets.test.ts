import { parameterSpecs, resolveLMConfig } from "@mamba/core";
import { elementCount } from "@mamba/kernel";
import { expect, test } from "vitest";
import { type ModelPresetName, modelPresets } from "./presets.ts";

/** Millions of parameters, as the names and cards of the models round them. */
const published: Readonly<Record<ModelPresetName, number>> = {
  "mamba-130m": 130,
  "mamba-370m": 370,
  "mamba-790m": 790,
  "mamba-1.4b": 1400,
  "mamba-2.8b": 2800,
  tiny: 0.115,
  "mamba2-130m": 130,
  "mamba2-370m": 370,
  "mamba2-780m": 780,
  "mamba2-1.3b": 1300,
  "mamba2-2.7b": 2700,
  "mamba-codestral-7b": 7300,
  "granite-4.0-h-350m": 340,
  "granite-4.0-h-1b": 1500,
  "granite-4.0-h-micro": 3200,
  "granite-4.0-h-tiny": 7000,
  "granite-4.0-350m": 350,
  "granite-4.0-1b": 1600,
  "falcon-h1-tiny-90m": 90,
  "falcon-h1-0.5b": 520,
  "nemotron-3-nano-4b": 4000,
  "nemotron-nano-9b-v2": 8900,
  "nemotron-3-nano-30b": 31600,
  "jamba-reasoning-3b": 3000,
};

test.each(Object.keys(modelPresets) as ModelPresetName[])("%s has the parameters of its card", (name) => {
  const specs = parameterSpecs(resolveLMConfig(modelPresets[name]));
  const count = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  expect(count / 1e6 / published[name]).toBeCloseTo(1, 1);
});
