import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ModelPresetName, modelPresets } from "@mamba/bench/presets";
import { hubConfig, writeSafetensors } from "@mamba/checkpoint";
import { resolveLMConfig } from "@mamba/core";
import { formatBytes } from "@mamba/display";
import type { FloatDType } from "@mamba/kernel";
import { note, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import { randomMetadata, randomTensors, weightBytes } from "./randomWeights.ts";

/** Writes a checkpoint of a preset with random weights, one tensor at a time. */
export async function writeRandomCheckpoint(
  folder: string,
  { preset, dtype, seed }: { preset: ModelPresetName; dtype: FloatDType; seed: number },
  host: Host,
): Promise<void> {
  const config = resolveLMConfig(modelPresets[preset]);
  const total = weightBytes(config, dtype);
  let done = 0;
  using bar = progress(host, "writing");
  const onBytes = (bytes: number) => {
    host.signal.throwIfAborted();
    done += bytes;
    bar.update(done, total);
  };
  await mkdir(folder, { recursive: true });
  const tensors = randomTensors(config, { dtype, seed, onBytes });
  // Each file is replaced in one step, the config last: an interrupted run leaves the old checkpoint.
  await writeSafetensors(join(folder, "model.safetensors"), tensors, randomMetadata(preset, seed));
  const stored = { dtype, stopIds: [], readsBytes: config.vocabSize === 256 };
  const json = JSON.stringify(hubConfig(config, stored), undefined, 2);
  await writeAtomically(join(folder, "config.json"), `${json}\n`);
  bar[Symbol.dispose]();
  note(host, `wrote ${folder}: ${preset}, ${formatBytes(total)} of random weights (${dtype}, seed ${seed})`);
}
