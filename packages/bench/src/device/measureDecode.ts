import { resolveLMConfig } from "@mamba/core";
import { Scope, type WeightDType } from "@mamba/kernel";
import type { Pause } from "../benchmarkCase.ts";
import { decodeCase } from "../cases/models.ts";
import { presets, type PresetName } from "../presets.ts";
import { spread } from "../sample.ts";
import { type DecodeFigure, type Device, totalSeconds } from "./device.ts";

/** Decodes some tokens and counts the work of one of them, and its time by op. */
export async function measureDecode(
  device: Device,
  preset: PresetName,
  dtype: WeightDType,
  tokens: number,
  pause: Pause,
): Promise<DecodeFigure> {
  using scope = new Scope();
  const { name, prepare } = decodeCase(preset, dtype, 1);
  const step = prepare(device.kernel, scope);
  for (let i = 0; i < 3; i++) await step(); // compiles, allocates buffers, and records the graph that is replayed
  const before = device.counts();
  const samples: number[] = [];
  for (let i = 0; i < tokens; i++) {
    const start = performance.now();
    await step();
    samples.push((performance.now() - start) / 1000);
    await pause(i + 1, 2 * tokens);
  }
  const perToken = Object.fromEntries(
    Object.entries(device.counts()).map(([name, after]) => [name, (after - (before[name] ?? 0)) / tokens]),
  );
  const { ops } = await device.observe(async () => {
    for (let i = 0; i < tokens; i++) {
      await step();
      await pause(tokens + i + 1, 2 * tokens);
    }
  });
  const each = ops?.map(({ op, dispatches, seconds }) => {
    return { op, dispatches: dispatches / tokens, seconds: seconds / tokens };
  });
  const products = each?.filter(({ op }) => op === "linear");
  return {
    ...{ name, weights: dtype, layers: resolveLMConfig(presets[preset]).nLayers, perToken },
    seconds: spread(samples),
    ops: each?.sort((a, b) => b.seconds - a.seconds) ?? null,
    productFraction: each && products ? totalSeconds(products) / totalSeconds(each) : null,
  };
}
