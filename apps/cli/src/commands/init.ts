import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readNumber, usage } from "../args.ts";
import { checkTarget } from "../checkpoint-target.ts";
import { command } from "../command.ts";
import { writeAtomically } from "../files.ts";
import { formatBytes } from "../format.ts";
import { note } from "../host.ts";
import { presetNames, presets, type PresetName } from "../presets.ts";
import { progress } from "../progress.ts";

export default command({
  name: "init",
  description: "Write a checkpoint with random weights at a model's real shape",
  args: {
    preset: { type: "positional", required: true, description: presetNames.join(", ") },
    folder: { type: "positional", required: true, description: "Where to write; made when it is not there" },
    dtype: {
      type: "enum",
      options: ["f32", "f16", "bf16"],
      default: "f32",
      description: "Storage of the large matrices",
    },
    seed: { type: "string", default: "0", description: "Equal seeds give equal weights" },
    force: { type: "boolean", description: "Replace a checkpoint that is there" },
  },
  async run({ preset, folder, dtype, seed: seedText, force }, host) {
    const seed = readNumber("seed", seedText, { whole: true });
    if (!isPreset(preset))
      throw usage(`<preset> must be ${presetNames.join(", ")}, got ${JSON.stringify(preset)}`);
    await checkTarget(folder, force);

    const { resolveLMConfig } = await import("@mamba/core");
    const { hubConfig, writeSafetensors } = await import("@mamba/checkpoint");
    const { randomMetadata, randomTensors, weightBytes } = await import("../random-weights.ts");
    const config = resolveLMConfig(presets[preset]);
    const total = weightBytes(config, dtype);
    let done = 0;
    {
      using bar = progress(host, "writing");
      const onTensor = (bytes: number) => {
        host.signal.throwIfAborted();
        done += bytes;
        bar.update(done, total);
      };
      await mkdir(folder, { recursive: true });
      const tensors = randomTensors(config, { dtype, seed, onTensor });
      // Each file is replaced in one go, the config last: an interrupted run leaves what was there.
      await writeSafetensors(join(folder, "model.safetensors"), tensors, randomMetadata(preset, seed));
      const json = JSON.stringify(hubConfig(config, dtype, []), undefined, 2);
      await writeAtomically(join(folder, "config.json"), `${json}\n`);
    }
    note(
      host,
      `wrote ${folder}: ${preset}, ${formatBytes(total)} of random weights (${dtype}, seed ${seed})`,
    );
  },
});

function isPreset(name: string): name is PresetName {
  return Object.hasOwn(presets, name);
}
